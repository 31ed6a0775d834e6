use std::path::Path;
use std::time::Duration;

use attune_config::{Config, LogFormat, WorkerType};

#[test]
fn with_nothing_set_everything_is_embedded() {
    let config = Config::default();
    assert!(config.is_embedded());
    assert_eq!(config.worker.max_concurrent_tasks, 10);
    assert_eq!(config.worker.heartbeat_interval, Duration::from_secs(5));
    assert_eq!(config.worker.task_timeout, Duration::from_secs(300));
    assert_eq!(config.worker.shutdown_timeout, Duration::from_secs(20));
    assert_eq!(config.worker.kill_grace, Duration::from_secs(5));
    assert_eq!(config.worker.max_stdout_bytes, 10 << 20);
    assert_eq!(config.worker.worker_type, WorkerType::Local);
    assert!(config.worker.stream_logs && config.worker.labels.is_empty() && config.worker.name.is_none());
    assert!(config.worker.capabilities.runtimes.is_empty());
    assert_eq!((config.server.host.as_str(), config.server.port), ("127.0.0.1", 8080));
    assert_eq!(config.protocol.lease, Duration::from_secs(45));
    assert_eq!(config.protocol.fence_kill, Duration::from_secs(38));
    assert_eq!(config.packs.directories, [Path::new("packs"), Path::new("/opt/attune/packs")]);
    assert_eq!(config.paths.artifacts_dir, Path::new(".attune/artifacts"));
    assert_eq!(config.log.format, LogFormat::Auto);
    assert_eq!(config.log.level, "info");
}

#[test]
fn folders_without_a_place_of_their_own_follow_the_state_directory() {
    let config = Config::from_yaml("paths: {state_dir: /var/lib/attune, runtime_envs_dir: /cache}").expect("loads");
    assert_eq!(config.paths.artifacts_dir, Path::new("/var/lib/attune/artifacts"));
    assert_eq!(config.paths.runtime_envs_dir, Path::new("/cache"));
}

#[test]
fn every_default_is_written_as_it_is_shown() {
    for setting in Config::default().settings() {
        assert_eq!(setting.origin, "default", "{}", setting.key.path);
        assert_eq!(setting.shown.is_some(), setting.key.default.is_some(), "{}", setting.key.path);
    }
}
