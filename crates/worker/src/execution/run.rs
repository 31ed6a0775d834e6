//! Runs the child of one attempt, from spawn to result.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use attune_process::{Command, Ended, Gap, How, Launcher, StopReason, Stopper, Stream, Usage};
use attune_secret::Opened;
use attune_types::{Evidence, LogChunk, Outcome, Resources};
use serde_json::Value;
use tokio::sync::mpsc;

use super::ended_child::{EndedChild, Ran};
use super::evidence;
use super::output::Output;
use super::refusal::{self, Patience};
use super::result::ResultRules;
use super::work_area::WorkArea;
use crate::artifacts::{Keeping, Kept, LogPort, RedactedNames};
use crate::executions::Key;
use crate::helper::{self, Calls, CallsDeps};
use crate::redaction::{Place, Redaction};

/// Chunks that may lie between the child and its output's way; each has at most 64 KiB, and there are many children.
const CHUNKS: usize = 2;

/// Lines that calls may have on their way to the log; who calls more often waits.
const LINES: usize = 4;

/// Everything that is needed to run one child.
#[derive(Debug)]
pub(crate) struct RunPlan {
    pub(crate) command: Command,
    pub(crate) rules: ResultRules,
    pub(crate) limit_ms: u64,
    pub(crate) area: WorkArea,
    /// How the files that the action declares are kept, when it declares any.
    pub(crate) keeping: Option<Keeping>,
    /// Whether an attempt that writes more than is kept has failed, whatever it says itself.
    pub(crate) fails_over_limit: bool,
    /// Where its output waits for the end, when it is not to be stored before.
    pub(crate) held: Option<PathBuf>,
    /// What the child's calls need, when it can call.
    pub(crate) calls: Option<CallsDeps>,
    /// What keeps its secrets out of all that is said about it.
    pub(crate) redaction: Redaction,
}

impl RunPlan {
    /// Keeps what the attempt was given out of all that is said about it. To be called when everything else is in place.
    pub(crate) fn hide(&mut self, opened: &Opened) {
        let redaction = Redaction::of(opened);
        let stores = self.keeping.iter_mut().map(|keeping| &mut keeping.store);
        for store in stores.chain(self.calls.iter_mut().map(|calls| &mut calls.artifacts)) {
            *store = RedactedNames::around(Arc::clone(store), &redaction);
        }
        self.redaction = redaction;
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct RunReport {
    pub(crate) end: EndedChild,
    pub(crate) result: Option<Value>,
    pub(crate) resources: Option<Resources>,
    pub(crate) evidence: Evidence,
    pub(crate) logs: Vec<LogChunk>,
    /// Whether nothing of it ran for want of what another worker, or this one a little later, may have.
    pub(crate) is_starved: bool,
}

impl RunReport {
    /// The report of a child that never ran.
    pub(crate) fn not_started(outcome: Outcome) -> Self {
        let (end, evidence) = (EndedChild::NotStarted(outcome), Evidence::default());
        Self { end, result: None, resources: None, evidence, logs: Vec::new(), is_starved: false }
    }
}

/// Starts the child, tells `started` how to stop it and its number, and returns when nothing of it is left. Dropping
/// the future kills the tree and removes its files.
pub(crate) async fn run(
    launcher: &Launcher,
    key: Key,
    plan: RunPlan,
    port: LogPort,
    wants_pid: bool,
    allowed_at: Duration,
    started: impl FnOnce(Stopper, Option<i32>),
) -> RunReport {
    let RunPlan { command, rules, limit_ms, area, calls, keeping, fails_over_limit, held, redaction } = plan;
    let limits = (command.stdout.max_bytes, command.stderr.max_bytes);
    let (sender, chunks) = mpsc::channel(CHUNKS);
    let mut patience = Patience::default();
    let mut child = loop {
        match launcher.spawn(command.clone(), sender.clone()).await {
            Ok(child) => break child,
            Err(error) => match patience.after(&error) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => {
                    let mut report = RunReport::not_started(refusal::outcome(&error));
                    report.end = redaction.end(report.end);
                    report.is_starved = refusal::is_starved(&error);
                    return report;
                }
            },
        }
    };
    // The output is over when nobody can send more of it.
    drop((command, sender));
    let seen = evidence::of_start(child.pid(), allowed_at);
    // Asking for the whole identity reads `/proc`, which nobody pays for who does not want it.
    started(child.stopper(), wants_pid.then(|| child.id().pid));
    let mut output = Output::new(key, port, rules.reads_stdout());
    if let Some(directory) = held {
        output.hold(directory);
    }
    if !redaction.is_idle() {
        output.redact(&redaction);
        for warning in redaction.warnings() {
            output.say(warning).await;
        }
    }
    let socket = child.calls();
    let calls = calls.map(|deps| {
        let (sender, lines) = mpsc::channel(LINES);
        output.hear(lines);
        Arc::new(Calls::new(deps, sender))
    });
    // Both in one task: output that has to wait for its way out must not keep the deadline from being watched.
    let running = async { tokio::join!(child.wait(), output.collect(chunks)).0 };
    let ended = tokio::select! {
        biased;
        ended = running => ended,
        never = answer(socket, calls.as_ref()) => match never {},
    };
    let concluded = calls.map(|calls| calls.conclude()).unwrap_or_default();
    let read = read_result(&rules, &area, &mut output, &ended, concluded.result);
    for line in concluded.lines {
        output.say(line).await;
    }
    let kept = match keeping {
        Some(mut keeping) => {
            keeping.stored.clone_from(&concluded.stored);
            keeping.keep(key).await
        }
        None => Kept::default(),
    };
    for line in kept.lines {
        output.say(line).await;
    }
    let logs = output.finish(Some(&ended)).await;
    let (result, invalid) = match read {
        Ok(result) => (result.map(|result| redaction.value(Place::Result, result)), kept.invalid),
        Err(why) => (None, Some(why)),
    };
    let mut evidence = evidence::with_end(seen, &ended);
    for gap in evidence.output.iter_mut().flat_map(|output| &mut output.gaps) {
        let Gap { from, to } = output.place(gap.stream, Gap { from: gap.from, to: gap.to });
        (gap.from, gap.to) = (from, to);
    }
    evidence.artifacts += kept.count + concluded.stored.len() as u64;
    let mut ran = Ran::of(&ended, limit_ms, invalid);
    if fails_over_limit && ran.stopped.is_none() && matches!(ran.how, How::Exited(_)) {
        // The policy says that writing so much is the failure, so that is told and not how it went on.
        ran.stopped = over_limit(&ended, limits);
    }
    let end = redaction.end(EndedChild::Ran(ran));
    redaction.complete(&mut evidence);
    // The end is told when nothing is left of it, its files included.
    area.clear().await;
    RunReport { end, result, resources: Some(resources(&ended.usage)), evidence, logs, is_starved: false }
}

/// The limit that the child's output went over, if it did.
fn over_limit(ended: &Ended, (stdout, stderr): (u64, u64)) -> Option<StopReason> {
    let over = |stream, dropped: Option<Gap>, max_bytes| dropped.map(|_| StopReason::OutputLimit { stream, max_bytes });
    let on_stdout = over(Stream::Stdout, ended.stdout_dropped, stdout);
    on_stdout.or_else(|| over(Stream::Stderr, ended.stderr_dropped, stderr))
}

/// Answers what the child calls, from its first call on. It never ends by itself: its execution does.
async fn answer(socket: Option<attune_process::Calls>, calls: Option<&Arc<Calls>>) -> Infallible {
    if let (Some(calls), Some(socket)) = (calls, socket)
        && let Some(socket) = socket.await
    {
        helper::serve(socket, Arc::clone(calls)).await;
    }
    std::future::pending().await
}

/// `set`: what the action set by calling; it wins over its file, and that over its standard output.
fn read_result(
    rules: &ResultRules,
    area: &WorkArea,
    output: &mut Output,
    ended: &Ended,
    set: Option<Vec<u8>>,
) -> Result<Option<Value>, String> {
    let read = match set {
        Some(text) => rules.read_set(text),
        None => {
            let file = area.read_result().map_err(|why| format!("ATTUNE_RESULT_FILE {why}"))?;
            rules.read(file, output.take_stdout())
        }
    };
    // A script that failed owes nobody a result: what it left is kept when it can be read, and no complaint otherwise.
    if ended.is_success() { read } else { Ok(read.unwrap_or(None)) }
}

fn resources(usage: &Usage) -> Resources {
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Resources {
        wall_ms: millis(usage.wall),
        user_ms: millis(usage.user),
        system_ms: millis(usage.system),
        peak_rss_bytes: usage.peak_rss_bytes.unwrap_or(0),
        peak_memory_bytes: usage.peak_tree_bytes,
    }
}
