use crate::support::{file, load, refusals, shown};

const KEY: &str = "geheim-geheim-geheim-geheim-geheim-geheim";

#[test]
fn every_credential_may_come_from_a_file() {
    for (path, name, value) in [
        ("database.url", "ATTUNE__DATABASE__URL_FILE", "postgres://a:geheim@db/attune"),
        ("security.encryption_key", "ATTUNE__SECURITY__ENCRYPTION_KEY_FILE", KEY),
        ("server.api_token", "ATTUNE__SERVER__API_TOKEN_FILE", KEY),
        ("client.api_token", "ATTUNE__CLIENT__API_TOKEN_FILE", KEY),
    ] {
        let credential = file("credential", &format!("{value}\n"));
        let place = credential.path.to_str().expect("utf-8");
        let config = load("", &[(name, place)], &[]).expect("loads");
        let setting = config.settings().iter().find(|setting| setting.key.path == path).expect("a known key");
        assert_eq!(setting.origin, format!("file:{place} named by environment {name}"));
        assert!(!setting.shown.as_deref().expect("set").contains("geheim"));
    }
    let broker = file("credential", "amqp://a:geheim@mq/%2f\r\n");
    let variables = [
        ("ATTUNE__DATABASE__URL", "postgres://db/attune"),
        ("ATTUNE__RABBITMQ__URL_FILE", broker.path.to_str().expect("utf-8")),
    ];
    let config = load("", &variables, &[]).expect("loads");
    assert_eq!(config.message_queue.url.map(|url| url.expose().to_owned()).as_deref(), Some("amqp://a:geheim@mq/%2f"));
}

#[test]
fn a_credential_named_twice_or_not_there_is_refused() {
    let credential = file("credential", KEY);
    let place = credential.path.to_str().expect("utf-8");
    let variables = [("ATTUNE__SERVER__API_TOKEN", KEY), ("ATTUNE__SERVER__API_TOKEN_FILE", place)];
    assert_eq!(
        refusals("", &variables, &[]),
        ["ATTUNE__SERVER__API_TOKEN_FILE: sets server.api_token like ATTUNE__SERVER__API_TOKEN; set one of them"]
    );
    let lines = refusals("", &[("ATTUNE__SERVER__API_TOKEN_FILE", "/nowhere/token")], &[]);
    assert!(lines[0].starts_with("ATTUNE__SERVER__API_TOKEN_FILE: cannot read /nowhere/token: "), "{lines:?}");
    let empty = file("credential", "\n");
    let lines = refusals("", &[("ATTUNE__SERVER__API_TOKEN_FILE", empty.path.to_str().expect("utf-8"))], &[]);
    assert!(lines[0].ends_with(" is empty"), "{lines:?}");
}

#[test]
fn only_credentials_have_a_file_name() {
    assert_eq!(
        refusals("", &[("ATTUNE__WORKER__NAME_FILE", "/etc/hostname")], &[]),
        ["ATTUNE__WORKER__NAME_FILE: no such key; did you mean ATTUNE__WORKER__NAME?"]
    );
}

#[test]
fn no_secret_is_ever_shown() {
    let variables = [
        ("ATTUNE__DATABASE__URL", "postgres://attune:geheim@db:5432/attune?sslpassword=geheim"),
        ("ATTUNE__MESSAGE_QUEUE__URL", "amqps://attune:ge@he/geheim@mq/%2f"),
        ("ATTUNE__SECURITY__ENCRYPTION_KEY", KEY),
        ("ATTUNE__SERVER__API_TOKEN", KEY),
        ("ATTUNE_API_TOKEN", KEY),
    ];
    let config = load("", &variables, &[]).expect("loads");
    let everything = format!("{config:?}{}", config.print_with_origins());
    assert!(!everything.contains("geheim"), "{everything}");
    assert_eq!(shown(&config, "database.url").0, "postgres://attune:***@db:5432/attune?sslpassword=***");
    assert_eq!(shown(&config, "security.encryption_key").0, "***");
}

#[test]
fn the_files_that_hold_credentials_are_known() {
    let token = KEY;
    let file = format!("server: {{api_token: {token}}}\npaths: {{state_dir: /s}}");
    let config = load(&file, &[], &[]).expect("loads");
    assert_eq!(config.credential_files().len(), 1, "the configuration file itself");
    let config = load("paths: {state_dir: /s}", &[("ATTUNE__SERVER__API_TOKEN", token)], &[]).expect("loads");
    assert_eq!(config.credential_files().len(), 0, "nothing secret is in a file");
}

#[test]
fn errors_about_secrets_do_not_show_them() {
    for (text, variables) in [
        ("security: {encryption_key: geheim}", &[][..]),
        ("security: {encryption_key: [geheim]}", &[]),
        ("server: {api_token: 4711471147114711}", &[]),
        ("", &[("ATTUNE__DATABASE__URL", "geheim")]),
        ("", &[("ATTUNE__DATABASE__URL", "mysql://a:geheim@db/x")]),
        ("", &[("ATTUNE__DATABASE__URL", "postgres://a:geheim@db/x y")]),
        ("database: {url: 4711}", &[]),
    ] {
        let lines = refusals(text, variables, &[]);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(!lines[0].contains("geheim") && !lines[0].contains("4711"), "{lines:?}");
    }
}
