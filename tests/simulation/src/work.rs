//! What is asked of the system in a run.

use std::sync::Arc;

use attune_types::{ExecutionSpec, RetryCause, RetryPolicy};
use serde_json::json;

use crate::random::Random;

/// A kind of execution.
#[derive(Debug, Clone)]
pub struct Kind {
    /// What is asked for.
    pub spec: Arc<ExecutionSpec>,
    /// The key of its requirement.
    pub requirement_key: Arc<str>,
    /// How often it occurs, of a hundred.
    pub share: u64,
}

/// How the process tree of one attempt behaves.
#[derive(Debug, Clone, Copy)]
pub struct Behaviour {
    /// How long its root runs, in microseconds, unless it is stopped.
    pub runs_for: i64,
    /// What its root exits with then.
    pub code: i32,
    /// Whether it stops when it is asked to.
    pub obeys: bool,
    /// Whether it leaves a descendant that holds its output open.
    pub leaves: bool,
    /// Whether it writes more than a pipe holds before it reads its parameters.
    pub talks_first: bool,
    /// Whether it writes much, and never a line end.
    pub is_loud: bool,
    /// Whether it says a secret that it was given.
    pub tells: bool,
}

fn spec(action: &str, runtime: &str, timeout_ms: u64) -> ExecutionSpec {
    let document = json!({
        "action": action, "entry_point": "x", "requirement": {"runtime": runtime}, "timeout_ms": timeout_ms,
    });
    serde_json::from_value(document).expect("a specification that is written here")
}

fn retried(mut spec: ExecutionSpec, on: &[RetryCause], idempotent: bool) -> ExecutionSpec {
    spec.retry = Some(RetryPolicy { on: on.to_vec(), max_attempts: 3, backoff: attune_types::Backoff::default() });
    spec.idempotent = idempotent;
    spec
}

/// The kinds that occur: plain ones, ones that may run twice, ones that are retried when they fail but must not run twice,
/// ones whose environment is made first, ones that only some workers can run.
#[must_use]
pub fn kinds() -> Vec<Kind> {
    let everything =
        [RetryCause::Lost, RetryCause::Interrupted, RetryCause::Timeout, RetryCause::OomKilled, RetryCause::Failed];
    let kind = |spec: ExecutionSpec, share| {
        let requirement_key = Arc::from(spec.requirement.key());
        Kind { spec: Arc::new(spec), requirement_key, share }
    };
    vec![
        kind(spec("core.plain", "shell", 60_000), 45),
        kind(retried(spec("core.twice", "shell", 20_000), &everything, true), 20),
        kind(retried(spec("core.again", "shell", 20_000), &[RetryCause::Failed, RetryCause::OomKilled], false), 10),
        kind(spec("core.some", "python", 30_000), 10),
        kind(spec("made.plain", "shell", 30_000), 10),
        kind(retried(spec("made.twice", "python", 20_000), &everything, true), 5),
    ]
}

/// Draws how the process tree of an attempt behaves.
pub fn behaviour(random: &mut Random) -> Behaviour {
    let runs_for = match random.below(100) {
        0..70 => random.between(1_000, 400_000),
        70..92 => random.between(400_000, 8_000_000),
        92..99 => random.between(8_000_000, 18_000_000),
        // Longer than it may.
        _ => 90_000_000,
    };
    let code = if random.percent(8) { 3 } else { 0 };
    Behaviour {
        runs_for,
        code,
        obeys: !random.percent(10),
        leaves: random.percent(5),
        talks_first: random.percent(4),
        is_loud: random.percent(4),
        tells: random.percent(2),
    }
}
