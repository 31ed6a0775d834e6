//! Runs the child of one attempt, from spawn to result.

use std::path::PathBuf;
use std::time::Duration;

use attune_process::{Command, Ended, SpawnError, Stopper, Usage};
use attune_types::{Evidence, LogChunk, Outcome, Resources};
use serde_json::Value;
use tokio::sync::mpsc;

use super::ended_child::EndedChild;
use super::evidence;
use super::output::Output;
use super::result::{self, ResultRules};
use super::work_area::WorkArea;
use crate::artifacts::LogPort;
use crate::executions::Key;

/// Chunks that may lie between the child and its output's way; each has at most 64 KiB, and there are many children.
const CHUNKS: usize = 2;

/// Everything that is needed to run one child.
#[derive(Debug)]
pub(crate) struct RunPlan {
    pub(crate) command: Command,
    pub(crate) rules: ResultRules,
    pub(crate) limit_ms: u64,
    pub(crate) area: WorkArea,
    /// Where the action was asked to leave files, when it declares any.
    pub(crate) artifacts_dir: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct RunReport {
    pub(crate) end: EndedChild,
    pub(crate) result: Option<Value>,
    pub(crate) resources: Option<Resources>,
    pub(crate) evidence: Evidence,
    pub(crate) logs: Vec<LogChunk>,
}

impl RunReport {
    /// The report of a child that never ran.
    pub(crate) fn not_started(outcome: Outcome) -> Self {
        let (end, evidence) = (EndedChild::NotStarted(outcome), Evidence::default());
        Self { end, result: None, resources: None, evidence, logs: Vec::new() }
    }
}

/// Starts the child, tells `started` how to stop it and its number, and returns when nothing of it is left. Dropping
/// the future kills the tree and removes its files.
pub(crate) async fn run(
    key: Key,
    plan: RunPlan,
    port: LogPort,
    wants_pid: bool,
    allowed_at: Duration,
    started: impl FnOnce(Stopper, Option<i32>),
) -> RunReport {
    let RunPlan { command, rules, limit_ms, area, .. } = plan;
    let (sender, chunks) = mpsc::channel(CHUNKS);
    let child = match attune_process::spawn(command, sender) {
        Ok(child) => child,
        Err(error) => return RunReport::not_started(refusal(&error)),
    };
    let seen = evidence::of_start(child.pid(), allowed_at);
    // Asking for the whole identity reads `/proc`, which nobody pays for who does not want it.
    started(child.stopper(), wants_pid.then(|| child.id().pid));
    let mut output = Output::new(key, port, rules.reads_stdout());
    // Both in one task: output that has to wait for its way out must not keep the deadline from being watched.
    let (ended, ()) = tokio::join!(child.wait(), output.collect(chunks));
    let read = read_result(&rules, &area, &mut output, &ended);
    let logs = output.finish(Some(&ended)).await;
    let (result, invalid) = match read {
        Ok(result) => (result, None),
        Err(why) => (None, Some(why)),
    };
    let evidence = evidence::with_end(seen, &ended);
    let end = EndedChild::Ran { how: ended.how, stopped: ended.stopped_because, limit_ms, invalid };
    RunReport { end, result, resources: Some(resources(&ended.usage)), evidence, logs }
}

fn read_result(
    rules: &ResultRules,
    area: &WorkArea,
    output: &mut Output,
    ended: &Ended,
) -> Result<Option<Value>, String> {
    let file = result::read_file(&area.result_file).map_err(|error| format!("ATTUNE_RESULT_FILE: {error}"))?;
    let read = rules.read(file, output.take_stdout());
    // A script that failed owes nobody a result: what it left is kept when it can be read, and no complaint otherwise.
    if ended.is_success() { read } else { Ok(read.unwrap_or(None)) }
}

/// The outcome of a child that could not be started, with every reason the error carries.
fn refusal(error: &SpawnError) -> Outcome {
    match error {
        SpawnError::InterpreterNotFound { interpreter, .. } => {
            Outcome::InterpreterMissing { name: interpreter.clone() }
        }
        other => {
            let mut reason = other.to_string();
            let mut source = std::error::Error::source(other);
            while let Some(cause) = source {
                reason = format!("{reason}: {cause}");
                source = cause.source();
            }
            Outcome::NotExecutable { reason }
        }
    }
}

fn resources(usage: &Usage) -> Resources {
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Resources {
        wall_ms: millis(usage.wall),
        user_ms: millis(usage.user),
        system_ms: millis(usage.system),
        peak_rss_bytes: usage.peak_rss_bytes.unwrap_or(0),
    }
}
