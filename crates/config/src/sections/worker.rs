use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::{OutputPolicy, WorkerCapabilities, WorkerType};

/// One worker.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Its unique name; absent: the host's name.
    pub name: Option<String>,
    /// Where it runs.
    pub worker_type: WorkerType,
    /// The host it says it runs on; absent: the host's name.
    pub host: Option<String>,
    /// Executions at once.
    pub max_concurrent_tasks: u32,
    /// Time between two beats.
    #[serde(with = "crate::duration::millis")]
    pub heartbeat_interval: Duration,
    /// Limit of an execution whose action sets none.
    #[serde(with = "crate::duration::millis")]
    pub task_timeout: Duration,
    /// How long running executions may go on after the first SIGTERM.
    #[serde(with = "crate::duration::millis")]
    pub shutdown_timeout: Duration,
    /// Time between TERM and KILL.
    #[serde(with = "crate::duration::millis")]
    pub kill_grace: Duration,
    /// How long one step of preparing an environment may take.
    #[serde(with = "crate::duration::millis")]
    pub environment_step_timeout: Duration,
    /// How many environments are prepared at once; absent: as the machine has processors, 4 at most.
    pub environment_builds: Option<u32>,
    /// Bytes of standard output that are kept per execution.
    pub max_stdout_bytes: u64,
    /// Bytes of standard error that are kept per execution.
    pub max_stderr_bytes: u64,
    /// What happens to an execution that writes more.
    pub output_policy: OutputPolicy,
    /// Whether output is sent while it is written.
    pub stream_logs: bool,
    /// Whether an agent replaces itself by a newer one that its server gives out.
    pub self_update: bool,
    /// The public key that it must be signed with, a file.
    pub self_update_key: Option<PathBuf>,
    /// How often it looks for one.
    #[serde(with = "crate::duration::millis")]
    pub self_update_interval: Duration,
    /// Free words that actions select by.
    pub labels: BTreeMap<String, String>,
    /// What it offers, when that is not to be found out.
    pub capabilities: WorkerCapabilities,
}
