//! What becomes of an execution when one of its attempts has ended: the retry policy as a pure function.

use attune_types::{ExecutionStatus, Outcome, RetryCause, RetryPolicy};

/// What the decision looks at, besides the outcome.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The policy that the execution was submitted with.
    pub policy: Option<&'a RetryPolicy>,
    /// Whether running it twice has the effect of running it once.
    pub idempotent: bool,
    /// Attempts that ended with an outcome, this one included.
    pub tries: i32,
    /// Whether somebody asked for a cancel.
    pub cancel_requested: bool,
}

/// What follows an ended attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing: the execution has ended too.
    End(ExecutionStatus),
    /// Another attempt after a pause in milliseconds.
    Retry {
        /// How long.
        pause_ms: i64,
    },
}

/// The cause a policy would have to name; `None` for what is never retried.
fn cause(outcome: &Outcome) -> Option<RetryCause> {
    match outcome {
        Outcome::Exited { code: 0 } | Outcome::Cancelled { .. } | Outcome::Undeliverable { .. } => None,
        Outcome::WorkerLost { .. } => Some(RetryCause::Lost),
        Outcome::Interrupted { .. } => Some(RetryCause::Interrupted),
        Outcome::TimedOut { .. } => Some(RetryCause::Timeout),
        Outcome::OomKilled { .. } => Some(RetryCause::OomKilled),
        _ => Some(RetryCause::Failed),
    }
}

/// Whether a repetition after this end could do twice what was asked once. A fault inside the worker counts among what the
/// policy calls failures, but what ran was cut off by it in the middle, as by an interruption.
const fn needs_idempotence(outcome: &Outcome, cause: RetryCause) -> bool {
    matches!(cause, RetryCause::Lost | RetryCause::Interrupted | RetryCause::Timeout)
        || matches!(outcome, Outcome::WorkerFault { .. })
}

/// How many workers may vanish while they prepare one and the same execution.
const MOST_VANISHED: i64 = 3;

/// Whether an execution is to blame under which so many workers vanished before they let anything of it run. Each of them
/// may have been unlucky; all of them were not.
#[must_use]
pub const fn is_poison(vanished: i64) -> bool {
    vanished >= MOST_VANISHED
}

/// Decides what follows.
///
/// A cancel that was asked for wins over every other end, except over a success: whatever exited 0 by itself did what
/// it was asked, and saying otherwise would be untrue.
#[must_use]
pub fn next(outcome: &Outcome, circumstances: Circumstances<'_>) -> Next {
    #[cfg(attune_mutants)]
    if attune_types::mutant::is("retry_lost_by_default") && matches!(outcome, Outcome::WorkerLost { .. }) {
        return Next::Retry { pause_ms: 1_000 };
    }
    let end = outcome.execution_status();
    if outcome.is_success() {
        return Next::End(end);
    }
    if circumstances.cancel_requested {
        return Next::End(ExecutionStatus::Cancelled);
    }
    let (Some(cause), Some(policy)) = (cause(outcome), circumstances.policy) else {
        return Next::End(end);
    };
    let allowed = policy.on.contains(&cause)
        && (circumstances.idempotent || !needs_idempotence(outcome, cause))
        && circumstances.tries < policy.max_attempts;
    if allowed { Next::Retry { pause_ms: policy.backoff.pause_ms(circumstances.tries) } } else { Next::End(end) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_types::{Backoff, MemoryOf};

    const EVERYTHING: [RetryCause; 5] =
        [RetryCause::Lost, RetryCause::Interrupted, RetryCause::Timeout, RetryCause::OomKilled, RetryCause::Failed];

    fn policy(on: &[RetryCause]) -> RetryPolicy {
        RetryPolicy { on: on.to_vec(), max_attempts: 3, backoff: Backoff::default() }
    }

    fn outcomes() -> Vec<(Outcome, ExecutionStatus)> {
        vec![
            (Outcome::Exited { code: 3 }, ExecutionStatus::Failed),
            (Outcome::Signaled { signal: 9, sent_by: None }, ExecutionStatus::Failed),
            (
                Outcome::OomKilled { limit_bytes: None, peak_bytes: None, of: MemoryOf::Execution },
                ExecutionStatus::Failed,
            ),
            (Outcome::TimedOut { limit_ms: 5 }, ExecutionStatus::Timeout),
            (Outcome::Interrupted { by: "drain".into() }, ExecutionStatus::Abandoned),
            (Outcome::WorkerLost { last_seen: None }, ExecutionStatus::Abandoned),
            (Outcome::EnvironmentFailed { step: "pip".into(), log: String::new() }, ExecutionStatus::Failed),
        ]
    }

    #[test]
    fn without_a_policy_nothing_is_retried() {
        for (outcome, status) in outcomes() {
            let circumstances = Circumstances { policy: None, idempotent: true, tries: 1, cancel_requested: false };
            assert_eq!(next(&outcome, circumstances), Next::End(status), "{outcome:?}");
        }
    }

    #[test]
    fn what_may_have_taken_effect_is_retried_only_when_idempotent() {
        let everything = policy(&EVERYTHING);
        for (outcome, status) in outcomes() {
            let circumstances =
                Circumstances { policy: Some(&everything), idempotent: false, tries: 1, cancel_requested: false };
            let expected = match outcome {
                Outcome::TimedOut { .. } | Outcome::Interrupted { .. } | Outcome::WorkerLost { .. } => {
                    Next::End(status)
                }
                _ => Next::Retry { pause_ms: 5_000 },
            };
            assert_eq!(next(&outcome, circumstances), expected, "{outcome:?}");
            let idempotent = Circumstances { idempotent: true, ..circumstances };
            assert_eq!(next(&outcome, idempotent), Next::Retry { pause_ms: 5_000 }, "{outcome:?}");
        }
    }

    #[test]
    fn what_a_fault_of_the_worker_cut_off_is_retried_only_when_idempotent() {
        let failed = policy(&[RetryCause::Failed]);
        let fault = Outcome::WorkerFault { message: "its executor crashed".into() };
        let circumstances =
            Circumstances { policy: Some(&failed), idempotent: false, tries: 1, cancel_requested: false };
        assert_eq!(next(&fault, circumstances), Next::End(ExecutionStatus::Failed));
        assert_eq!(next(&Outcome::Exited { code: 1 }, circumstances), Next::Retry { pause_ms: 5_000 });
        let idempotent = Circumstances { idempotent: true, ..circumstances };
        assert_eq!(next(&fault, idempotent), Next::Retry { pause_ms: 5_000 });
    }

    #[test]
    fn only_named_causes_are_retried_and_only_so_often() {
        let only_lost = policy(&[RetryCause::Lost]);
        let lost = Outcome::WorkerLost { last_seen: None };
        let at = |tries| Circumstances { policy: Some(&only_lost), idempotent: true, tries, cancel_requested: false };
        assert_eq!(next(&Outcome::Exited { code: 1 }, at(1)), Next::End(ExecutionStatus::Failed));
        assert_eq!(next(&lost, at(1)), Next::Retry { pause_ms: 5_000 });
        assert_eq!(next(&lost, at(2)), Next::Retry { pause_ms: 10_000 });
        assert_eq!(next(&lost, at(3)), Next::End(ExecutionStatus::Abandoned));
    }

    #[test]
    fn a_requested_cancel_ends_everything_but_a_success() {
        let everything = policy(&EVERYTHING);
        let circumstances =
            Circumstances { policy: Some(&everything), idempotent: true, tries: 1, cancel_requested: true };
        for (outcome, _) in outcomes() {
            assert_eq!(next(&outcome, circumstances), Next::End(ExecutionStatus::Cancelled), "{outcome:?}");
        }
        assert_eq!(next(&Outcome::Exited { code: 0 }, circumstances), Next::End(ExecutionStatus::Completed));
    }

    #[test]
    fn success_cancel_and_undeliverable_are_final() {
        let everything = policy(&EVERYTHING);
        let circumstances =
            Circumstances { policy: Some(&everything), idempotent: true, tries: 1, cancel_requested: false };
        for (outcome, status) in [
            (Outcome::Exited { code: 0 }, ExecutionStatus::Completed),
            (Outcome::Cancelled { by: "me".into() }, ExecutionStatus::Cancelled),
            (Outcome::Undeliverable { nearest_misses: vec![] }, ExecutionStatus::Failed),
        ] {
            assert_eq!(next(&outcome, circumstances), Next::End(status));
        }
    }
}
