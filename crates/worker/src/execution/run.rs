//! Runs the child of one attempt, from spawn to result.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use attune_process::{Command, Ended, Gap, How, Launcher, StopReason, Stopper, Stream, Usage};
use attune_secret::{Binding, Opened, OutputSeal};
use attune_types::{ActionRef, Evidence, LogChunk, Outcome, Resources};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::ended_child::{EndedChild, Ran};
use super::evidence;
use super::output::Output;
use super::refusal::{self, Patience};
use super::result::{Answer, ResultRules};
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
    /// What its secret outputs are encrypted with, when the server gave anything for that.
    pub(crate) output_seal: Option<OutputSeal>,
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

    /// Takes what came for the secret outputs of an attempt of this action.
    pub(crate) fn seal_outputs(&mut self, key: Key, action: &ActionRef, opened: &Opened) {
        let Key { execution, attempt } = key;
        let binding = || Binding::Outputs { execution, attempt, action: action.to_string() };
        self.output_seal = opened.output_key.clone().map(|key| OutputSeal::new(key, binding()));
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct RunReport {
    pub(crate) end: EndedChild,
    pub(crate) result: Option<Value>,
    /// Its secret outputs, encrypted.
    pub(crate) outputs: Option<Vec<u8>>,
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
        Self { end, result: None, outputs: None, resources: None, evidence, logs: Vec::new(), is_starved: false }
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
    let RunPlan { command, rules, limit_ms, area, calls, keeping, fails_over_limit, held, redaction, output_seal } =
        plan;
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
    let (answer, invalid) = match read {
        Ok(answer) => (answer, kept.invalid),
        Err(why) => (Answer::default(), Some(why)),
    };
    let result = answer.shown.map(|result| redaction.value(Place::Result, result));
    let outputs = sealed(answer.secret, key, &redaction, output_seal.as_ref());
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
    RunReport { end, result, outputs, resources: Some(resources(&ended.usage)), evidence, logs, is_starved: false }
}

/// Secret outputs, encrypted. What the execution was given in secret is no output of it and is masked in them, too. Without a
/// key they are kept nowhere: a server without one does not accept what has secret outputs.
fn sealed(secret: Map<String, Value>, key: Key, redaction: &Redaction, seal: Option<&OutputSeal>) -> Option<Vec<u8>> {
    if secret.is_empty() {
        return None;
    }
    let Some(seal) = seal else {
        tracing::warn!(execution.id = %key.execution, "the server gave no key for secret outputs: they are not kept");
        return None;
    };
    let Value::Object(secret) = redaction.value(Place::Result, Value::Object(secret)) else { return None };
    seal.seal(&secret)
        .inspect_err(|error| {
            tracing::error!(execution.id = %key.execution, error = error as &dyn std::error::Error, "secret outputs could not be encrypted and are not kept");
        })
        .ok()
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
) -> Result<Answer, String> {
    let read = match set {
        Some(text) => rules.read_set(text),
        None => {
            let file = area.read_result().map_err(|why| format!("ATTUNE_RESULT_FILE {why}"))?;
            rules.read(file, output.take_stdout())
        }
    };
    // A script that failed owes nobody a result: what it left is kept when it can be read, and no complaint otherwise.
    if ended.is_success() { read } else { Ok(read.unwrap_or_default()) }
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
