//! What the store is asked and what it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use attune_types::{
    ActionSpec, AttemptNumber, Capabilities, Envelope, Evidence, Execution, ExecutionEvent, ExecutionId, ExecutionSpec,
    ExecutionStatus, Incarnation, LeaseToken, LogChunk, Outcome, PackSpec, Requirement, Resources, RuntimeSpec,
    WorkerId, WorkerStatus,
};
use serde_json::{Map, Value};

/// A hint that something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// Something waits for a scheduler: a submission, a hand-back, a due retry, a freed slot or a new worker.
    Schedule,
    /// Something lies in the outbox.
    Outbox,
    /// An execution moved or wrote a log piece; `None` when it is not known which.
    Execution(Option<ExecutionId>),
}

/// A pack as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct PackContents {
    /// The pack itself.
    pub pack: PackSpec,
    /// Its actions.
    pub actions: Vec<ActionSpec>,
    /// Its runtimes.
    pub runtimes: Vec<RuntimeSpec>,
}

/// A request that has been checked and may be accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct NewExecution {
    /// What to run and how.
    pub spec: ExecutionSpec,
    /// Its parameters, complete with defaults.
    pub parameters: Map<String, Value>,
    /// Makes a repeated request answer with the first execution.
    pub idempotency_key: Option<String>,
    /// Who asks.
    pub requested_by: Option<String>,
    /// Free words.
    pub labels: BTreeMap<String, String>,
    /// W3C `traceparent` of the request.
    pub trace: Option<String>,
    /// The execution this one repeats.
    pub retry_of: Option<ExecutionId>,
}

/// An accepted request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submitted {
    /// Its id.
    pub id: ExecutionId,
    /// Whether it existed already under the same idempotency key.
    pub repeated: bool,
}

/// Which executions to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionFilter {
    /// Only these states; empty means all.
    pub statuses: Vec<ExecutionStatus>,
    /// Only this action (`pack.action`) or this pack (`pack`).
    pub action: Option<String>,
    /// Only what was requested by this one; absent: by anybody.
    pub requested_by: Option<String>,
    /// Only executions older than this one: the cursor of the page before.
    pub before: Option<ExecutionId>,
    /// At most so many; 0 means 50, and more than 1000 means 1000.
    pub limit: u32,
}

/// A page of executions, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionPage {
    /// The executions.
    pub executions: Vec<Execution>,
    /// Pass as `before` to get the next page; `None` on the last.
    pub next: Option<ExecutionId>,
}

/// A page of events, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// The events.
    pub events: Vec<ExecutionEvent>,
}

/// What came of a cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelAnswer {
    /// It had not started and is cancelled now.
    Cancelled,
    /// It runs; its worker has been told.
    Canceling,
    /// It had ended before.
    AlreadyEnded(ExecutionStatus),
    /// There is no such execution.
    Unknown,
}

/// What came of asking for a repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAnswer {
    /// The new execution.
    Submitted(ExecutionId),
    /// It has not ended yet.
    NotEnded(ExecutionStatus),
    /// Its outcome is unknown and running it twice was not allowed.
    MayRunTwice,
    /// There is no such execution.
    Unknown,
}

/// Something that waits for a worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// Which execution.
    pub execution: ExecutionId,
    /// What its worker must offer.
    pub requirement: Requirement,
    /// [`Requirement::key`] of it.
    pub requirement_key: String,
}

/// A worker as a scheduler sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Placeable {
    /// Its id.
    pub worker: WorkerId,
    /// Its name.
    pub name: String,
    /// The life it is in.
    pub incarnation: Incarnation,
    /// What it offers.
    pub capabilities: Capabilities,
    /// What it is doing; only `active` workers get work.
    pub status: WorkerStatus,
    /// Live attempts it holds: assigned, claimed or running.
    pub live: u32,
    /// Those of them that are assigned and not yet claimed.
    pub unclaimed: u32,
}

/// What waits and who is there, at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlacementView {
    /// What waits, oldest first.
    pub waiting: Vec<Waiting>,
    /// Every worker that is not inactive.
    pub workers: Vec<Placeable>,
}

/// A decision of a scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// What to run.
    pub execution: ExecutionId,
    /// Where.
    pub worker: WorkerId,
    /// The life of the worker that the decision was made for.
    pub incarnation: Incarnation,
    /// The most live attempts the worker may hold, this one included; checked again under lock.
    pub most_live: u32,
}

/// An assignment that was made, with the message to publish.
#[derive(Debug, Clone, PartialEq)]
pub struct Assigned {
    /// Which execution.
    pub execution: ExecutionId,
    /// Which try.
    pub attempt: AttemptNumber,
    /// To whom.
    pub worker: WorkerId,
    /// The message, and the outbox row that stands for it.
    pub message: OutboxMessage,
}

/// A message that waits to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxMessage {
    /// The outbox row.
    pub id: i64,
    /// The message.
    pub envelope: Envelope,
}

/// When the reaper acts, as data. All in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaperPolicy {
    /// How long a lease lasts after a beat.
    pub lease_ms: i64,
    /// How long after the end of a lease it is ended.
    pub lease_slack_ms: i64,
    /// How long an assigned attempt may stay unclaimed.
    pub dispatch_ms: i64,
    /// A silence this long makes a worker `unreachable`.
    pub unreachable_ms: i64,
    /// A gap in the reaper's own ticks this long makes it spare every lease for one lease time.
    pub gap_ms: i64,
    /// How long whoever took an outbox message holds it.
    pub outbox_hold_ms: i64,
    /// How many attempts may end before anything ran until the execution fails as undeliverable.
    pub most_unstarted: i32,
}

impl Default for ReaperPolicy {
    fn default() -> Self {
        Self {
            lease_ms: 45_000,
            lease_slack_ms: 1_000,
            dispatch_ms: 15_000,
            unreachable_ms: 15_000,
            gap_ms: 10_000,
            outbox_hold_ms: 5_000,
            most_unstarted: 20,
        }
    }
}

/// What one tick of the reaper did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReapReport {
    /// Attempts whose lease ran out, with what became of their executions.
    pub lost: Vec<(ExecutionId, AttemptNumber, ExecutionStatus)>,
    /// Assignments that nobody claimed in time and that wait again.
    pub superseded: Vec<ExecutionId>,
    /// Workers that fell silent.
    pub unreachable: Vec<WorkerId>,
    /// Whether leases were spared because of a gap.
    pub spared: bool,
}

/// A worker that wants to take part.
#[derive(Debug, Clone, PartialEq)]
pub struct Registration {
    /// Its unique name.
    pub name: String,
    /// `local`, `remote` or `container`.
    pub worker_type: String,
    /// The host it runs on.
    pub host: String,
    /// The life it is in.
    pub incarnation: Incarnation,
    /// What it offers.
    pub capabilities: Capabilities,
    /// Whether everything an earlier incarnation of this name ran is known to be dead, so that its attempts can be
    /// settled now instead of when their leases run out.
    pub previous_is_dead: bool,
    /// How long a lease lasts, in milliseconds.
    pub lease_ms: i64,
}

/// A worker that takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its stable id.
    pub id: WorkerId,
    /// The incarnation that held the name before, if another one did.
    pub replaced: Option<Incarnation>,
    /// Attempts of it that were settled by evidence.
    pub settled: Vec<(ExecutionId, AttemptNumber)>,
}

/// One heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// Who.
    pub worker: WorkerId,
    /// In which life.
    pub incarnation: Incarnation,
    /// The attempts it holds claimed or running.
    pub holding: Vec<(ExecutionId, AttemptNumber)>,
    /// How long the leases shall last from now, in milliseconds.
    pub lease_ms: i64,
    /// It can take no new work for now, e.g. because its disk is nearly full: it is shown as draining until a beat
    /// says otherwise.
    pub refuses_work: bool,
}

/// What a heartbeat brings back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BeatReply {
    /// Another incarnation owns the name now: stop all work and leave.
    pub replaced: bool,
    /// The worker is asked to drain.
    pub drain: bool,
    /// Attempts to stop because somebody cancelled, and who.
    pub cancels: Vec<(ExecutionId, AttemptNumber, String)>,
    /// Attempts that it holds but that are no longer its own: kill at once.
    pub superseded: Vec<(ExecutionId, AttemptNumber)>,
    /// Attempts that are assigned to it and that it has not claimed.
    pub assigned: Vec<(ExecutionId, AttemptNumber)>,
}

/// Which of what is claimed does not start yet, because its environment must be made first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Hold {
    /// Nothing: what is claimed starts with the claim.
    #[default]
    Nothing,
    /// Everything.
    Everything,
    /// The executions of these actions. Whoever claims knows only numbers; the store knows what they run.
    Actions(Arc<BTreeSet<String>>),
}

/// A wish to claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// Which execution.
    pub execution: ExecutionId,
    /// Which try.
    pub attempt: AttemptNumber,
    /// When to claim without starting: the environment must be prepared first.
    pub hold: Hold,
    /// How long the lease lasts, in milliseconds.
    pub lease_ms: i64,
    /// The right to finish it from then on, made up by whoever claims: [`fresh_token`](crate::fresh_token).
    pub token: LeaseToken,
    /// Whether the same was asked before, with this token, and no answer came. Whoever says so has started nothing; what
    /// was granted then is granted once more.
    pub again: bool,
}

/// What a claim is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum ClaimAnswer {
    /// It is this worker's now.
    Granted(Box<Claimed>),
    /// Stale, duplicate, cancelled, superseded or somebody else's: acknowledge the message and forget it.
    Refused,
}

/// The work of a claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// Which execution.
    pub execution: ExecutionId,
    /// Which try.
    pub attempt: AttemptNumber,
    /// Whether it was claimed without starting; [`Store::start`](crate::Store::start) lets it start.
    pub held: bool,
    /// The right to finish it: the token of the request.
    pub token: LeaseToken,
    /// What to run and how.
    pub spec: ExecutionSpec,
    /// Its parameters, unmasked; those that are sealed stand there as `***`.
    pub parameters: Map<String, Value>,
    /// W3C `traceparent` of the request.
    pub trace: Option<String>,
    /// Secrets and secret parameters, sealed to the key of this life of this worker.
    pub sealed: Option<Vec<u8>>,
}

/// The end of a running attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// Which execution.
    pub execution: ExecutionId,
    /// Which try.
    pub attempt: AttemptNumber,
    /// The right to finish it.
    pub token: LeaseToken,
    /// Why it ended.
    pub outcome: Outcome,
    /// What it answered; `***` stands where its secret outputs would.
    pub result: Option<Value>,
    /// Its secret outputs, encrypted with the key that came with the claim.
    pub outputs: Option<Vec<u8>>,
    /// What it used.
    pub resources: Option<Resources>,
    /// What the worker saw of it.
    pub evidence: Option<Evidence>,
    /// Log pieces that were not yet stored.
    pub logs: Vec<LogChunk>,
}

/// An attempt that never started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandBack {
    /// Which execution.
    pub execution: ExecutionId,
    /// Which try.
    pub attempt: AttemptNumber,
    /// The right to it, when it was claimed.
    pub token: Option<LeaseToken>,
    /// Whether its start was allowed and its worker made no use of that: only then is something given back that counts as
    /// running. A worker that may have started anything never says so.
    pub never_started: bool,
    /// Why, in words.
    pub reason: String,
    /// `Some` when waiting elsewhere cannot help either (a dependency that does not install): the execution fails with
    /// this outcome, or is retried as its policy says.
    pub outcome: Option<Outcome>,
}

/// Whether a fenced write was applied.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It was applied.
    Accepted,
    /// The attempt is no longer this worker's.
    Refused,
}

/// How long what has ended is kept, as data. All in milliseconds; `None` is for ever. Nothing that lives is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Log pieces, counted from the end of their execution.
    pub logs_ms: Option<i64>,
    /// Artifacts, likewise.
    pub artifacts_ms: Option<i64>,
    /// Executions with their attempts, events, logs and artifacts, likewise.
    pub executions_ms: Option<i64>,
    /// How long whoever keeps an artifact whose time is up has to remove it, before its row goes without that.
    pub abandon_ms: i64,
    /// How many executions one step looks at.
    pub batch: u32,
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        Self {
            logs_ms: Some(30 * DAY_MS),
            artifacts_ms: Some(30 * DAY_MS),
            executions_ms: Some(90 * DAY_MS),
            abandon_ms: 7 * DAY_MS,
            batch: 50,
        }
    }
}

/// What one step of retention did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retained {
    /// Log pieces that were removed.
    pub logs: u64,
    /// Artifacts whose time is up now.
    pub artifacts: u64,
    /// Executions that were removed.
    pub executions: u64,
    /// The execution to go on behind; `None` when all that may be old enough was looked at.
    pub next: Option<ExecutionId>,
}
