//! What no single key can tell: values that do not fit each other.

use std::time::Duration;

use crate::config::Config;
use crate::duration::show;
use crate::problem::Problem;
use crate::sections::ArtifactStoreKind;

/// Every rule that `config` breaks.
pub(crate) fn cross_check(config: &Config) -> Vec<Problem> {
    let (worker, protocol) = (&config.worker, &config.protocol);
    let beat = ("worker.heartbeat_interval", worker.heartbeat_interval);
    let terminate = ("protocol.fence_terminate", protocol.fence_terminate);
    let kill = ("protocol.fence_kill", protocol.fence_kill);
    let lease = ("protocol.lease", protocol.lease);
    let mut problems: Vec<Problem> = [
        shorter(beat, terminate, "one missed beat must not stop executions"),
        shorter(terminate, kill, "SIGTERM comes before SIGKILL"),
        shorter(kill, lease, "a worker must be silent before its lease ends, or two could run one execution"),
        shorter(
            ("worker.kill_grace", worker.kill_grace),
            ("protocol.lease", protocol.lease.saturating_sub(protocol.fence_terminate)),
            "after fence_terminate the grace must end inside the lease",
        ),
        shorter(beat, ("protocol.unreachable", protocol.unreachable), "a worker is heard of once per beat"),
        shorter(
            beat,
            ("protocol.dispatch", protocol.dispatch),
            "without a broker an assignment reaches its worker with a beat",
        ),
        shorter(
            ("protocol.reaper_tick", protocol.reaper_tick),
            ("protocol.reaper_gap", protocol.reaper_gap),
            "else every tick would look like a gap",
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    let on_a_file = config.database.url.as_ref().is_none_or(|url| url.expose().starts_with("sqlite:"));
    if config.message_queue.url.is_some() && on_a_file {
        problems.push(Problem {
            key: "message_queue.url".to_owned(),
            message: "a broker needs a database that all processes share; set database.url to a postgres:// URL, or unset this"
                .to_owned(),
            origin: String::new(),
        });
    }
    if let Some(level) = config.sandbox.level.number().filter(|level| *level < config.sandbox.require) {
        problems.push(Problem {
            key: "sandbox.level".to_owned(),
            message: format!("{level} is less than {} of sandbox.require", config.sandbox.require),
            origin: String::new(),
        });
    }
    if worker.self_update && worker.self_update_key.is_none() {
        problems.push(Problem {
            key: "worker.self_update".to_owned(),
            message: "a newer agent must be signed: set worker.self_update_key to a file with the public key, or switch this off"
                .to_owned(),
            origin: String::new(),
        });
    }
    if config.artifacts.store == ArtifactStoreKind::S3 {
        let artifacts = &config.artifacts;
        let needed = [
            ("artifacts.endpoint", artifacts.endpoint.is_some()),
            ("artifacts.bucket", artifacts.bucket.is_some()),
            ("artifacts.access_key_id", artifacts.access_key_id.is_some()),
            ("artifacts.secret_access_key", artifacts.secret_access_key.is_some()),
        ];
        problems.extend(needed.iter().filter(|(_, is_set)| !is_set).map(|(key, _)| Problem {
            key: (*key).to_owned(),
            message: "is needed when artifacts.store is s3".to_owned(),
            origin: String::new(),
        }));
    }
    problems
}

fn shorter(left: (&str, Duration), right: (&str, Duration), why: &str) -> Option<Problem> {
    (left.1 >= right.1).then(|| Problem {
        key: left.0.to_owned(),
        message: format!("{} must be less than {} of {}: {why}", show(left.1), show(right.1), right.0),
        origin: String::new(),
    })
}
