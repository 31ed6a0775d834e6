//! What really happened, seen from outside of everything that could be wrong about it, and the judgement on it.

use std::collections::BTreeMap;

use attune_process::How;
use attune_types::{AttemptNumber, ExecutionId, ExecutionSpec, ExecutionStatus, Outcome, RetryCause};

use crate::database::ExecutionRow;

/// One process tree that was started for an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ran {
    /// Of which attempt.
    pub attempt: AttemptNumber,
    /// How its root ended; `None` while it lives.
    pub how: Option<How>,
    /// Whether nothing of it is left.
    pub is_gone: bool,
}

/// What really happened to one execution.
#[derive(Debug, Clone, Default)]
pub struct Story {
    /// Its process trees, oldest first.
    pub ran: Vec<Ran>,
    /// Whether a client asked for a cancel.
    pub cancelled: bool,
    /// What was announced as its end.
    pub announced: Option<ExecutionStatus>,
}

/// Everything that must never happen, by name, with the first case of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations {
    counts: BTreeMap<&'static str, (u64, String)>,
}

impl Violations {
    /// Notes one.
    pub fn note(&mut self, name: &'static str, case: impl FnOnce() -> String) {
        match self.counts.get_mut(name) {
            Some((count, _)) => *count += 1,
            None => {
                self.counts.insert(name, (1, case()));
            }
        }
    }

    /// Whether nothing did.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Name, count and first case of each.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64, &str)> {
        self.counts.iter().map(|(name, (count, case))| (*name, *count, case.as_str()))
    }

    /// The names.
    #[must_use]
    pub fn names(&self) -> String {
        self.counts.keys().copied().collect::<Vec<_>>().join(", ")
    }
}

impl Story {
    /// How many of its process trees live.
    #[must_use]
    pub fn alive(&self) -> usize {
        self.ran.iter().filter(|ran| !ran.is_gone).count()
    }

    /// Whether a tree of an attempt lives.
    #[must_use]
    pub fn lives(&self, attempt: AttemptNumber) -> bool {
        self.ran.iter().any(|ran| ran.attempt == attempt && !ran.is_gone)
    }
}

/// Whether an execution may be started once more, given how its earlier trees really ended.
#[must_use]
pub fn may_start_again(spec: &ExecutionSpec, story: &Story) -> bool {
    let Some(policy) = &spec.retry else { return story.ran.is_empty() };
    let failed = |ran: &Ran| matches!(ran.how, Some(How::Exited(code)) if code != 0);
    story.ran.iter().all(|ran| spec.idempotent || (failed(ran) && policy.on.contains(&RetryCause::Failed)))
}

/// Judges the end that was stored against what really happened.
pub fn judge_end(id: ExecutionId, row: &ExecutionRow, story: &Story, violations: &mut Violations) {
    let case = || format!("execution {id} ended as {} by {:?}; it ran {:?}", row.status, row.outcome, story.ran);
    let exited = |code: i32| story.ran.iter().any(|ran| ran.how == Some(How::Exited(code)));
    match (row.status, &row.outcome) {
        (ExecutionStatus::Completed, Some(Outcome::Exited { code: 0 })) if exited(0) => {}
        (ExecutionStatus::Completed, _) => violations.note("false_success", case),
        (ExecutionStatus::Failed, Some(Outcome::Exited { code })) if !exited(*code) => {
            violations.note("untruthful", case);
        }
        (ExecutionStatus::Failed, Some(Outcome::WorkerLost { .. } | Outcome::Interrupted { .. }) | None) => {
            violations.note("untruthful", case);
        }
        (ExecutionStatus::Cancelled, _) if !story.cancelled => violations.note("untruthful", case),
        (ExecutionStatus::Abandoned, _) if story.ran.is_empty() => {}
        _ => {}
    }
    if row.ends > 1 {
        violations.note("double_completed", case);
    }
}
