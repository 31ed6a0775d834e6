use std::time::Duration;

use attune_config::{Config, Sources};

use crate::support::{file, load, shown};

const FILE: &str = "
worker:
  name: from-file
  heartbeat_interval: 2500ms
  max_concurrent_tasks: 3
  labels: {zone: eu, tier: \"1\"}
  capabilities:
    runtimes: [python, shell]
server: {port: 9000}
";

#[test]
fn each_layer_beats_the_one_before_and_leaves_its_origin() {
    let variables =
        [("ATTUNE__WORKER__MAX_CONCURRENT_TASKS", "4"), ("ATTUNE__SERVER__PORT", "9001"), ("HOME", "/root")];
    let config = load(FILE, &variables, &[("server.port", "9002")]).expect("loads");
    assert_eq!(config.worker.heartbeat_interval, Duration::from_millis(2_500));
    for (path, value, origin) in [
        ("worker.name", "from-file", "file:attune.yaml"),
        ("worker.heartbeat_interval", "2500ms", "file:attune.yaml"),
        ("worker.max_concurrent_tasks", "4", "environment ATTUNE__WORKER__MAX_CONCURRENT_TASKS"),
        ("server.port", "9002", "command line"),
        ("server.host", "127.0.0.1", "default"),
        ("worker.labels", "{tier: \"1\", zone: eu}", "file:attune.yaml"),
        ("worker.capabilities.runtimes", "[python, shell]", "file:attune.yaml"),
        ("database.url", "not set", "default"),
    ] {
        assert_eq!(shown(&config, path), (value.to_owned(), origin.to_owned()), "{path}");
    }
}

#[test]
fn a_stronger_layer_replaces_lists_and_labels_whole() {
    let variables = [("ATTUNE__WORKER__LABELS", "gpu=yes, zone=us=east"), ("ATTUNE_WORKER_RUNTIMES", "ruby,Node")];
    let config = load(FILE, &variables, &[]).expect("loads");
    let labels: Vec<_> = config.worker.labels.iter().map(|(name, value)| format!("{name}:{value}")).collect();
    assert_eq!(labels, ["gpu:yes", "zone:us=east"]);
    assert_eq!(config.worker.capabilities.runtimes, ["ruby", "Node"]);
}

#[test]
fn short_names_work_and_long_names_win_over_them() {
    let short = [
        ("ATTUNE_WORKER_NAME", "short"),
        ("ATTUNE_WORKER_TYPE", "Container"),
        ("ATTUNE_WORKER_RUNTIMES", "python"),
        ("ATTUNE_API_URL", "http://127.0.0.1:8080"),
    ];
    let config = load("", &short, &[]).expect("loads");
    assert_eq!(config.worker.name.as_deref(), Some("short"));
    assert_eq!(config.worker.worker_type.as_str(), "container");
    assert_eq!(config.client.api_url.as_deref(), Some("http://127.0.0.1:8080"));

    let both = [("ATTUNE__WORKER__NAME", "long"), ("ATTUNE_WORKER_NAME", "short")];
    let config = load("", &both, &[]).expect("loads");
    assert_eq!(shown(&config, "worker.name").1, "environment ATTUNE__WORKER__NAME");
}

#[test]
fn the_old_name_of_the_broker_is_understood_everywhere() {
    let database = ("ATTUNE__DATABASE__URL", "postgres://db/attune");
    for (text, variable) in [
        ("rabbitmq: {url: 'amqp://mq:5672'}", ("LANG", "C")),
        ("", ("ATTUNE__RABBITMQ__URL", "amqp://mq:5672")),
        ("", ("ATTUNE__MESSAGE_QUEUE__URL", "amqp://mq:5672")),
    ] {
        let config = load(text, &[database, variable], &[]).expect("loads");
        assert_eq!(config.message_queue.url.map(|url| url.expose().to_owned()).as_deref(), Some("amqp://mq:5672"));
    }
}

#[test]
fn empty_variables_and_empty_keys_count_as_absent() {
    let variables = [("ATTUNE__DATABASE__URL", ""), ("ATTUNE_WORKER_NAME", ""), ("ATTUNE__WORKER__NAME_FILE", "")];
    let config = load("worker:\ndatabase:\n  url:\n", &variables, &[]).expect("loads");
    assert!(config.is_embedded() && config.worker.name.is_none());
}

#[test]
fn the_command_line_can_take_a_value_away() {
    let variables = [("ATTUNE__DATABASE__URL", "postgres://db/attune")];
    let config = load("", &variables, &[("database.url", "")]).expect("loads");
    assert!(config.is_embedded());
}

#[test]
fn the_command_line_names_the_file_before_the_environment_does() {
    let named = file("named.yaml", "worker: {name: named}");
    let other = file("other.yaml", "worker: {name: other}");
    let variables = [("ATTUNE_CONFIG", named.path.to_str().expect("utf-8"))];
    let load = |file| Config::load(Sources { file, environment: variables, overrides: Vec::new() }).expect("loads");
    assert_eq!(load(None).worker.name.as_deref(), Some("named"));
    assert_eq!(load(Some(other.path.clone())).worker.name.as_deref(), Some("other"));
}

#[test]
fn text_stays_text() {
    let key = "01234567890123456789012345678901";
    let variables =
        [("ATTUNE__SECURITY__ENCRYPTION_KEY", key), ("ATTUNE__WORKER__NAME", "1e3"), ("ATTUNE__WORKER__HOST", "a,b")];
    let config = load("log: {level: '007'}", &variables, &[]).expect("loads");
    assert_eq!(config.security.encryption_key.map(|key| key.expose().to_owned()).as_deref(), Some(key));
    assert_eq!(config.worker.name.as_deref(), Some("1e3"));
    assert_eq!(config.worker.host.as_deref(), Some("a,b"));
    assert_eq!(config.log.level, "007");
}

#[test]
fn numbers_durations_sizes_and_switches_may_be_written_either_way() {
    for (text, seconds) in [("5", 5), ("'5'", 5), ("5s", 5), ("1m", 60), ("2.0", 2)] {
        let config = Config::from_yaml(&format!("worker: {{task_timeout: {text}}}")).expect(text);
        assert_eq!(config.worker.task_timeout, Duration::from_secs(seconds), "{text}");
    }
    for (text, bytes) in [("2048", 2048), ("'2048'", 2048), ("2KiB", 2048), ("1MB", 1_000_000)] {
        let config = Config::from_yaml(&format!("worker: {{max_stdout_bytes: {text}}}")).expect(text);
        assert_eq!(config.worker.max_stdout_bytes, bytes, "{text}");
    }
    for (text, streams) in [("false", false), ("no", false), ("'on'", true), ("0", false)] {
        let config = Config::from_yaml(&format!("worker: {{stream_logs: {text}}}")).expect(text);
        assert_eq!(config.worker.stream_logs, streams, "{text}");
    }
}
