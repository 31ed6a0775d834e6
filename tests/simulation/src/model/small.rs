//! The state of the small model, and what makes two states the same.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use attune_process::How;
use attune_store::{Assignment, Completion, Registration};
use attune_types::{
    AttemptNumber, Backoff, Capabilities, ExecutionId, ExecutionSpec, Incarnation, LeaseToken, RetryCause, RetryPolicy,
};
use attune_worker::protocol::State;
use serde_json::json;

use crate::database::Database;
use crate::truth::{Ran, Story, Violations};

/// The one execution.
pub(super) const ONLY: ExecutionId = ExecutionId(1);

/// What the clock of the database shows at every moment but one: time is left out.
pub(super) const NOW: i64 = 1_000_000_000_000;

/// When everything that waits for its time is due.
pub(super) const LATER: i64 = NOW + 3_600_000_000;

/// What the one execution is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Whether its environment is made between its claim and its start.
    pub is_held: bool,
    /// Whether it may run twice, and is repeated whatever happens to it.
    pub may_repeat: bool,
}

/// How much may still go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Faults {
    /// Workers that are killed.
    pub kills: u8,
    /// Questions and answers that are lost or given up.
    pub losses: u8,
    /// Times that run out for a worker that lives: leases, and assignments that nobody claimed.
    pub silences: u8,
    /// Orders that are delivered although nothing of the kind is due.
    pub repeats: u8,
    /// Clients that cancel.
    pub cancels: u8,
}

const NONE: Faults = Faults { kills: 0, losses: 0, silences: 0, repeats: 0, cancels: 0 };

/// What an execution can be.
pub const KINDS: [Kind; 4] = [
    Kind { is_held: false, may_repeat: false },
    Kind { is_held: true, may_repeat: false },
    Kind { is_held: false, may_repeat: true },
    Kind { is_held: true, may_repeat: true },
];

/// One fault of each kind, for every kind of execution.
pub const SINGLE: [(&str, Faults); 6] = [
    ("nothing", NONE),
    ("a kill", Faults { kills: 1, ..NONE }),
    ("a loss", Faults { losses: 1, ..NONE }),
    ("a silence", Faults { silences: 1, ..NONE }),
    ("a repeat", Faults { repeats: 1, ..NONE }),
    ("a cancel", Faults { cancels: 1, ..NONE }),
];

/// Two faults or three, for executions that run once; an execution that is repeated has too many orders of them.
pub const PAIRS: [(&str, Faults); 6] = [
    ("a kill and a silence", Faults { kills: 1, silences: 1, ..NONE }),
    ("a kill and a loss", Faults { kills: 1, losses: 1, ..NONE }),
    ("a loss and a silence", Faults { losses: 1, silences: 1, ..NONE }),
    ("a repeat, a loss and a cancel", Faults { repeats: 1, losses: 1, cancels: 1, ..NONE }),
    ("a kill and a cancel", Faults { kills: 1, cancels: 1, ..NONE }),
    ("a silence and a cancel", Faults { silences: 1, cancels: 1, ..NONE }),
];

/// What a worker does with an attempt.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Phase {
    Waiting,
    Claiming,
    Executing(State),
    Reporting { completion: Box<Completion>, is_spooled: bool },
    GivingBack,
}

/// An attempt that a worker knows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) attempt: AttemptNumber,
    pub(super) token: LeaseToken,
    pub(super) was_asked: bool,
    /// Whether a lease time has gone by since it was allowed to start, so that its guard does not start it any more.
    pub(super) is_late: bool,
    pub(super) phase: Phase,
}

/// A worker.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Machine {
    pub(super) is_up: bool,
    pub(super) is_registered: bool,
    /// Whether its fence is past, so that its guards let nothing live.
    pub(super) is_fenced: bool,
    pub(super) life: u8,
    pub(super) serial: u8,
    pub(super) entries: Vec<Entry>,
    pub(super) spool: Vec<Completion>,
}

/// What a worker wants of the store.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wish {
    Claim { again: bool },
    Start,
    Complete(Box<Completion>),
    HandBack { outcome: Option<attune_types::Outcome> },
}

/// What the store said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Said {
    Granted { held: bool },
    Refused,
    Answered(bool),
}

/// A question on its way, or its answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub(super) machine: usize,
    pub(super) life: u8,
    pub(super) attempt: AttemptNumber,
    pub(super) token: LeaseToken,
    pub(super) wish: Wish,
    /// Nobody waits for the answer any more.
    pub(super) is_forgotten: bool,
    /// A grant that comes so late is not made use of.
    pub(super) is_old: bool,
    pub(super) said: Option<Said>,
}

/// A process tree that lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Tree {
    pub(super) machine: usize,
    pub(super) life: u8,
    pub(super) attempt: AttemptNumber,
    /// It was asked, or is about, to end.
    pub(super) is_doomed: bool,
}

/// Everything there is at one moment.
#[derive(Debug, Clone)]
pub struct Small {
    pub(super) database: Database,
    pub(super) schedulers: [Option<Assignment>; 2],
    pub(super) machines: [Machine; 2],
    pub(super) calls: Vec<Call>,
    pub(super) trees: Vec<Tree>,
    pub(super) story: Story,
    pub(super) faults: Faults,
    /// What must never happen and did.
    pub violations: Violations,
}

/// Which life of which worker.
pub(super) fn incarnation(machine: usize, life: u8) -> Incarnation {
    let mut bytes = [0; 16];
    (bytes[0], bytes[1]) = (machine as u8 + 1, life);
    Incarnation(bytes)
}

pub(super) fn registration(machine: usize, life: u8, previous_is_dead: bool) -> Registration {
    Registration {
        name: format!("w{machine}"),
        worker_type: String::new(),
        host: String::new(),
        incarnation: incarnation(machine, life),
        capabilities: Capabilities::default(),
        previous_is_dead,
        lease_ms: 45_000,
    }
}

fn spec(kind: Kind) -> ExecutionSpec {
    let document =
        json!({"action": "core.one", "entry_point": "x", "requirement": {"runtime": "shell"}, "timeout_ms": 60_000});
    let mut spec: ExecutionSpec = serde_json::from_value(document).expect("a specification that is written here");
    if kind.may_repeat {
        let on = vec![RetryCause::Lost, RetryCause::Interrupted, RetryCause::Failed];
        spec.retry = Some(RetryPolicy { on, max_attempts: 2, backoff: Backoff::default() });
        spec.idempotent = true;
    }
    spec
}

impl Small {
    /// Both workers are registered, the execution was submitted, and nothing else has happened.
    #[must_use]
    pub fn new(kind: Kind, faults: Faults) -> Self {
        let mut database = Database::default();
        for machine in 0..2 {
            // Nobody had the name, so there is nothing that could be refused.
            drop(database.register(NOW, &registration(machine, 0, false)));
        }
        let spec = spec(kind);
        let requirement_key = Arc::from(spec.requirement.key());
        database.submit(NOW, Arc::new(spec), requirement_key, None);
        let machine = || Machine {
            is_up: true,
            is_registered: true,
            is_fenced: false,
            life: 0,
            serial: 0,
            entries: Vec::new(),
            spool: Vec::new(),
        };
        Self {
            database,
            schedulers: [const { None }; 2],
            machines: [machine(), machine()],
            calls: Vec::new(),
            trees: Vec::new(),
            story: Story::default(),
            faults,
            violations: Violations::default(),
        }
    }

    /// Whether the execution has ended and nothing is left of it.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        let is_over = self.database.execution(ONLY).is_some_and(|row| row.status.is_terminal());
        let is_idle = |machine: &Machine| machine.entries.is_empty() && machine.spool.is_empty();
        is_over && self.trees.is_empty() && self.calls.is_empty() && self.machines.iter().all(is_idle)
    }

    /// A number that two states share exactly when everything that can follow them is the same.
    #[must_use]
    pub fn number(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        if let Some(row) = self.database.execution(ONLY) {
            (row.status, row.tries, row.unstarted, row.cancel_by.is_some(), row.ends).hash(&mut hasher);
            for attempt in &row.attempts {
                (attempt.state, attempt.worker, attempt.incarnation, attempt.token.map(|token| token.0))
                    .hash(&mut hasher);
                (attempt.was_claimed, attempt.outcome.is_some(), attempt.reason.as_deref()).hash(&mut hasher);
            }
        }
        for worker in self.database.workers() {
            worker.incarnation.hash(&mut hasher);
        }
        // Which of the two decided does not matter.
        let mut plans = self.schedulers.map(|plan| plan.map(|plan| (plan.worker, plan.incarnation.0)));
        plans.sort_unstable();
        plans.hash(&mut hasher);
        for machine in &self.machines {
            let Machine { is_up, is_registered, is_fenced, life, serial, entries, spool } = machine;
            (is_up, is_registered, is_fenced, life, serial, entries.len(), spool.len()).hash(&mut hasher);
            for entry in entries {
                (entry.attempt, entry.token.0, entry.was_asked, entry.is_late).hash(&mut hasher);
                phase_number(&entry.phase).hash(&mut hasher);
            }
            for completion in spool {
                (completion.attempt, completion.token.0, outcome_number(&completion.outcome)).hash(&mut hasher);
            }
        }
        for call in &self.calls {
            let Call { machine, life, attempt, token, wish, is_forgotten, is_old, said } = call;
            (machine, life, attempt, token.0, is_forgotten, is_old, said).hash(&mut hasher);
            match wish {
                Wish::Claim { again } => (0, u64::from(*again)),
                Wish::Start => (1, 0),
                Wish::Complete(completion) => (2, outcome_number(&completion.outcome)),
                Wish::HandBack { outcome } => (3, outcome.as_ref().map_or(0, outcome_number)),
            }
            .hash(&mut hasher);
        }
        self.trees.hash(&mut hasher);
        for Ran { attempt, how, is_gone } in &self.story.ran {
            (attempt, how.map(how_number), is_gone).hash(&mut hasher);
        }
        (self.story.cancelled, self.faults).hash(&mut hasher);
        hasher.finish()
    }
}

fn how_number(how: How) -> i64 {
    match how {
        How::Exited(code) => i64::from(code),
        How::Signaled(signal) => 1000 + i64::from(signal),
        How::Unknown => 2000,
        How::GuardLost(_) => 2001,
    }
}

fn outcome_number(outcome: &attune_types::Outcome) -> u64 {
    use attune_types::Outcome;
    match outcome {
        Outcome::Exited { code } => 1 + u64::from(code.unsigned_abs()),
        Outcome::Cancelled { .. } => 1001,
        Outcome::Interrupted { .. } => 1002,
        Outcome::EnvironmentFailed { .. } => 1003,
        Outcome::Signaled { .. } => 1004,
        _ => 1005,
    }
}

fn phase_number(phase: &Phase) -> u64 {
    let stop = |stop: &Option<attune_worker::protocol::Stop>| match stop {
        None => 0,
        Some(stop) => {
            let cause = match stop.cause {
                attune_worker::protocol::StopCause::Cancelled { .. } => 1,
                attune_worker::protocol::StopCause::TakenAway => 2,
                _ => 3,
            };
            cause * 2 + u64::from(stop.kill)
        }
    };
    match phase {
        Phase::Waiting => 0,
        Phase::Claiming => 1,
        Phase::GivingBack => 2,
        Phase::Reporting { completion, is_spooled } => {
            100 + outcome_number(&completion.outcome) * 2 + u64::from(*is_spooled)
        }
        Phase::Executing(State::Preparing { held }) => 10 + u64::from(*held),
        Phase::Executing(State::Opening) => 12,
        Phase::Executing(State::Starting { stop: why }) => 20 + stop(why),
        Phase::Executing(State::Running { stop: why }) => 40 + stop(why),
        Phase::Executing(State::Over) => 60,
    }
}
