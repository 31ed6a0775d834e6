//! The tables.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use attune_types::{
    AttemptNumber, AttemptState, Capabilities, ExecutionId, ExecutionSpec, ExecutionStatus, Incarnation, LeaseToken,
    Outcome, Payload, WorkerId, WorkerStatus,
};

/// The schema refused a move: whoever asked for it has a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub String);

/// What a commit touched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Touched {
    /// Something may be placed.
    pub schedule: bool,
    /// Something lies in the outbox.
    pub outbox: bool,
}

/// An execution.
#[derive(Debug, Clone)]
pub struct ExecutionRow {
    /// What was asked.
    pub spec: Arc<ExecutionSpec>,
    /// The key of its requirement.
    pub requirement_key: Arc<str>,
    /// Where it stands.
    pub status: ExecutionStatus,
    /// Attempts that ended with an outcome.
    pub tries: i32,
    /// Attempts that ended before anything ran.
    pub unstarted: i32,
    /// From when on it may be assigned, in microseconds.
    pub available_at: i64,
    /// Who cancelled.
    pub cancel_by: Option<String>,
    /// Why it ended.
    pub outcome: Option<Outcome>,
    /// How often it became terminal.
    pub ends: u32,
    /// Its attempts, oldest first.
    pub attempts: Vec<AttemptRow>,
}

/// An attempt.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    /// Where it stands.
    pub state: AttemptState,
    /// Whose it is.
    pub worker: WorkerId,
    /// In which life.
    pub incarnation: Incarnation,
    /// The right to finish it. The product keeps a hash.
    pub token: Option<LeaseToken>,
    /// When it was assigned.
    pub assigned_at: i64,
    /// Until when it may stay unclaimed.
    pub dispatch_deadline: i64,
    /// Until when it is held.
    pub lease_ends_at: Option<i64>,
    /// Whether it was ever claimed.
    pub was_claimed: bool,
    /// Whether its start was allowed.
    pub was_started: bool,
    /// Why it ended.
    pub outcome: Option<Outcome>,
    /// Why it was taken away.
    pub reason: Option<String>,
    /// What came too late.
    pub late: Option<Outcome>,
}

/// A worker.
#[derive(Debug, Clone)]
pub struct WorkerRow {
    /// Its name.
    pub name: String,
    /// What it is doing.
    pub status: WorkerStatus,
    /// Whether it was asked to drain.
    pub drain: bool,
    /// The life it is in.
    pub incarnation: Incarnation,
    /// What it offers.
    pub capabilities: Capabilities,
    /// When it was last heard of.
    pub last_beat_at: i64,
}

/// A message that waits to be published.
#[derive(Debug, Clone)]
pub struct OutboxRow {
    /// What it says.
    pub payload: Payload,
    /// When.
    pub occurred_at: i64,
    /// Until when somebody has it in hand.
    pub held_until: i64,
}

/// An attempt that was ended because its worker is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buried {
    /// Which execution.
    pub execution: ExecutionId,
    /// Which try.
    pub attempt: AttemptNumber,
    /// Whether something of it may have run.
    pub may_have_run: bool,
}

/// The modelled database.
#[derive(Debug, Clone, Default)]
pub struct Database {
    pub(super) executions: Vec<ExecutionRow>,
    pub(super) workers: Vec<WorkerRow>,
    pub(super) outbox: BTreeMap<i64, OutboxRow>,
    pub(super) last_outbox: i64,
    pub(super) keys: HashMap<String, ExecutionId>,
    pub(super) waiting: BTreeSet<(i64, i64)>,
    pub(super) live: BTreeMap<WorkerId, BTreeSet<(ExecutionId, AttemptNumber)>>,
    pub(super) last_tick_at: Option<i64>,
    pub(super) spare_until: Option<i64>,
    pub(super) touched: Touched,
    pub(super) buried: Vec<Buried>,
    pub(super) ended: Vec<ExecutionId>,
}

impl Database {
    /// All executions by id, from 1.
    #[must_use]
    pub fn executions(&self) -> &[ExecutionRow] {
        &self.executions
    }

    /// One execution.
    #[must_use]
    pub fn execution(&self, id: ExecutionId) -> Option<&ExecutionRow> {
        self.executions.get(index(id.0)?)
    }

    /// One attempt.
    #[must_use]
    pub fn attempt(&self, id: ExecutionId, number: AttemptNumber) -> Option<&AttemptRow> {
        self.execution(id)?.attempts.get(index(i64::from(number.0))?)
    }

    /// All workers by id, from 1.
    #[must_use]
    pub fn workers(&self) -> &[WorkerRow] {
        &self.workers
    }

    /// The worker of a name.
    #[must_use]
    pub fn worker_named(&self, name: &str) -> Option<&WorkerRow> {
        self.workers.iter().find(|worker| worker.name == name)
    }

    /// What waits to be published.
    #[must_use]
    pub const fn outbox(&self) -> &BTreeMap<i64, OutboxRow> {
        &self.outbox
    }

    /// The execution that an idempotency key made.
    #[must_use]
    pub fn by_key(&self, key: &str) -> Option<ExecutionId> {
        self.keys.get(key).copied()
    }

    /// How many attempts live.
    #[must_use]
    pub fn live_attempts(&self) -> usize {
        self.live.values().map(BTreeSet::len).sum()
    }

    /// What the last commits touched, once.
    pub fn take_touched(&mut self) -> Touched {
        std::mem::take(&mut self.touched)
    }

    /// What was buried since this was asked last.
    pub fn take_buried(&mut self) -> Vec<Buried> {
        std::mem::take(&mut self.buried)
    }

    /// What ended since this was asked last.
    pub fn take_ended(&mut self) -> Vec<ExecutionId> {
        std::mem::take(&mut self.ended)
    }

    /// Forgets what no decision looks at: messages, which may be lost or repeated at will, and what was touched.
    pub(crate) fn settle_for_comparison(&mut self) {
        self.outbox.clear();
        self.touched = Touched::default();
    }

    pub(super) fn row(&mut self, id: ExecutionId) -> Option<&mut ExecutionRow> {
        self.executions.get_mut(index(id.0)?)
    }

    pub(super) fn try_row(&mut self, id: ExecutionId, number: AttemptNumber) -> Option<&mut AttemptRow> {
        let place = index(i64::from(number.0))?;
        self.row(id)?.attempts.get_mut(place)
    }

    pub(super) fn worker_row(&mut self, id: WorkerId) -> Option<&mut WorkerRow> {
        self.workers.get_mut(index(id.0)?)
    }
}

/// Ids count from 1.
pub(super) fn index(id: i64) -> Option<usize> {
    usize::try_from(id.checked_sub(1)?).ok()
}
