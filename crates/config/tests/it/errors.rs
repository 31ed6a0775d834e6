use std::path::PathBuf;

use attune_config::{Config, ConfigError, Sources};

use crate::support::refusals;

#[test]
fn a_wrong_value_in_the_file_names_the_key_the_value_and_what_to_do() {
    for (text, expected) in [
        (
            "worker: {heartbeat_interval: soon}",
            "worker.heartbeat_interval: \"soon\" is not a duration; write a number of seconds, or like 5s, 250ms, 2m (file:attune.yaml)",
        ),
        (
            "worker: {max_stdout_bytes: big}",
            "worker.max_stdout_bytes: \"big\" is not a size; write a number of bytes, or like 64KiB, 10MiB (file:attune.yaml)",
        ),
        (
            "worker: {max_stderr_bytes: 5}",
            "worker.max_stderr_bytes: 5 is too small; the least is 1KiB (file:attune.yaml)",
        ),
        (
            "worker: {heartbeat_interval: 0}",
            "worker.heartbeat_interval: 0 is too short; the least is 1ms (file:attune.yaml)",
        ),
        ("server: {port: 70000}", "server.port: 70000 is not a whole number from 0 to 65535 (file:attune.yaml)"),
        ("server: {port: [1]}", "server.port: a list is not a whole number from 0 to 65535 (file:attune.yaml)"),
        ("worker: {stream_logs: maybe}", "worker.stream_logs: \"maybe\" is not true or false (file:attune.yaml)"),
        (
            "worker: {worker_type: cloud}",
            "worker.worker_type: \"cloud\" is not one of local, remote, container (file:attune.yaml)",
        ),
        ("worker: {name: 007}", "worker.name: 7 is not text to YAML; write it in quotes (file:attune.yaml)"),
        ("worker: {name: {a: b}}", "worker.name: a mapping is not text (file:attune.yaml)"),
        (
            "worker: {labels: {zone: 1}}",
            "worker.labels: the value of \"zone\" is not text to YAML; write it in quotes (file:attune.yaml)",
        ),
        (
            "worker: {labels: [zone]}",
            "worker.labels: \"zone\" is not a name with a value; write name=value (file:attune.yaml)",
        ),
        ("worker: {labels: 5}", "worker.labels: 5 is not names with values (file:attune.yaml)"),
        ("packs: {directories: 5}", "packs.directories: 5 is not a list (file:attune.yaml)"),
        ("worker: 5", "worker: is a section; write its keys below it (file:attune.yaml)"),
        (
            "client: {api_url: 'ftp://x'}",
            "client.api_url: \"ftp://x\" must start with http:// or https:// (file:attune.yaml)",
        ),
    ] {
        assert_eq!(refusals(text, &[], &[]), [expected], "{text}");
    }
}

#[test]
fn an_unknown_key_is_refused_with_a_suggestion() {
    for (text, expected) in [
        ("wroker: {name: a}", "wroker: no such key; did you mean worker? (file:attune.yaml)"),
        ("worker: {nmae: a}", "worker.nmae: no such key; did you mean worker.name? (file:attune.yaml)"),
        (
            "heartbeat_interval: 5",
            "heartbeat_interval: no such key; did you mean worker.heartbeat_interval? (file:attune.yaml)",
        ),
        (
            "worker: {capabilities: {runtime: [a]}}",
            "worker.capabilities.runtime: no such key; did you mean worker.capabilities.runtimes? (file:attune.yaml)",
        ),
        (
            "\"postgres://u:geheim@db/a\": {}",
            "postgres://u:***@db/a: no such key; --print-config lists all (file:attune.yaml)",
        ),
        ("database: {password: x}", "database.password: no such key; --print-config lists all (file:attune.yaml)"),
        (
            "worker.name: a",
            "worker.name: no such key; write sections as nested mappings, not with dots (file:attune.yaml)",
        ),
    ] {
        assert_eq!(refusals(text, &[], &[]), [expected], "{text}");
    }
    assert_eq!(
        refusals("", &[("ATTUNE__DATABSE__URL", "postgres://db/x")], &[]),
        ["ATTUNE__DATABSE__URL: no such key; did you mean ATTUNE__DATABASE__URL?"]
    );
    assert_eq!(
        refusals("", &[("ATTUNE__DATABASE__ULR_FILE", "/run/x")], &[]),
        ["ATTUNE__DATABASE__ULR_FILE: no such key; did you mean ATTUNE__DATABASE__URL?"]
    );
    assert_eq!(
        refusals("", &[], &[("server.prot", "1")]),
        ["server.prot: no such key; did you mean server.port? (command line)"]
    );
}

#[test]
fn one_key_under_two_names_is_refused() {
    let text = "message_queue: {url: 'amqp://a'}\nrabbitmq: {url: 'amqp://b'}";
    assert_eq!(
        refusals(text, &[], &[]),
        ["rabbitmq.url: is another name for message_queue.url; set one of them (file:attune.yaml)"]
    );
    let variables = [("ATTUNE__MESSAGE_QUEUE__URL", "amqp://a"), ("ATTUNE__RABBITMQ__URL", "amqp://b")];
    assert_eq!(
        refusals("", &variables, &[]),
        ["ATTUNE__RABBITMQ__URL: sets message_queue.url like ATTUNE__MESSAGE_QUEUE__URL; set one of them"]
    );
}

#[test]
fn all_problems_are_reported_together() {
    let lines = refusals(
        "worker: {nmae: a, heartbeat_interval: soon}",
        &[("ATTUNE__SERVER__PORT", "http"), ("ATTUNE__NO__SUCH", "1")],
        &[("log.format", "xml")],
    );
    assert_eq!(
        lines,
        [
            "worker.nmae: no such key; did you mean worker.name? (file:attune.yaml)",
            "ATTUNE__NO__SUCH: no such key; --print-config lists all",
            "worker.heartbeat_interval: \"soon\" is not a duration; write a number of seconds, or like 5s, 250ms, 2m (file:attune.yaml)",
            "server.port: \"http\" is not a whole number from 0 to 65535 (environment ATTUNE__SERVER__PORT)",
            "log.format: \"xml\" is not one of auto, text, json (command line)",
        ]
    );
}

#[test]
fn a_file_that_is_no_yaml_says_where() {
    for (text, place) in [("worker: [1,", "line"), ("worker:\n\t- x: y: z\n  a", "line"), ("a: 1\na: 2\n", "duplicate")]
    {
        let lines = refusals(text, &[], &[]);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with("attune.yaml: is not YAML: ") && lines[0].contains(place), "{lines:?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let missing = PathBuf::from("/nowhere/attune.yaml");
    let error = Config::load(Sources { file: Some(missing), environment: [], overrides: Vec::new() })
        .expect_err("must be refused");
    assert_eq!(error.to_string(), "cannot read the configuration file /nowhere/attune.yaml");
    assert!(matches!(error, ConfigError::Unreadable { .. }) && std::error::Error::source(&error).is_some());
}

#[test]
fn values_that_do_not_fit_each_other_are_refused() {
    for (overrides, key) in [
        (&[("worker.heartbeat_interval", "20s")][..], "worker.heartbeat_interval"),
        (&[("protocol.lease", "30s")], "protocol.fence_kill"),
        (&[("protocol.fence_terminate", "40s")], "protocol.fence_terminate"),
        (&[("worker.kill_grace", "30s")], "worker.kill_grace"),
        (&[("protocol.reaper_tick", "10s")], "protocol.reaper_tick"),
        (&[("protocol.unreachable", "5s")], "worker.heartbeat_interval"),
        (&[("message_queue.url", "amqp://mq")], "message_queue.url"),
        (&[("message_queue.url", "amqp://mq"), ("database.url", "sqlite:x.db")], "message_queue.url"),
    ] {
        let lines = refusals("", &[], overrides);
        assert!(lines.iter().any(|line| line.starts_with(&format!("{key}: "))), "{overrides:?}: {lines:?}");
    }
    assert_eq!(
        refusals("", &[], &[("protocol.lease", "38s"), ("worker.kill_grace", "1s")]),
        [
            "protocol.fence_kill: 38s must be less than 38s of protocol.lease: a worker must be silent before its lease ends, or two could run one execution"
        ]
    );
}
