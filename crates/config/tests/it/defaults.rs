use std::path::Path;
use std::time::Duration;

use attune_config::{Config, LogFormat, SandboxFilesystem, SandboxLevel, WorkerType};

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
fn the_sandbox_is_the_best_there_is_and_protects_what_is_not_the_actions() {
    let sandbox = Config::default().sandbox;
    assert_eq!((sandbox.level, sandbox.require), (SandboxLevel::Best, 1));
    assert_eq!((sandbox.filesystem, sandbox.writable.len()), (SandboxFilesystem::Protect, 0));
    let text = "sandbox: {level: 2, require: 2, filesystem: strict, writable: [/srv/data]}";
    let sandbox = Config::from_yaml(text).expect("loads").sandbox;
    assert_eq!((sandbox.level, sandbox.require), (SandboxLevel::Isolated, 2));
    assert_eq!((sandbox.filesystem, sandbox.writable), (SandboxFilesystem::Strict, vec!["/srv/data".into()]));
}

#[test]
fn a_sandbox_level_below_the_required_one_is_refused() {
    for (text, says) in [
        ("sandbox: {level: 1, require: 2}", "1 is less than 2 of sandbox.require"),
        ("sandbox: {level: 4}", "one of auto, 1, 2, 3"),
        ("sandbox: {require: 0}", "from 1 to 3"),
    ] {
        let error = Config::from_yaml(text).expect_err(text).to_string();
        assert!(error.contains(says), "{error}");
    }
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
