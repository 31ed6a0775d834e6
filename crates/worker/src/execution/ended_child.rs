//! How the child of an attempt ended, as far as the outcome depends on it.

use attune_process::{How, StopReason};
use attune_types::Outcome;

use super::stop_cause::StopCause;

/// How the child of an attempt ended, as far as the outcome depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EndedChild {
    /// It never ran, for this reason.
    NotStarted(Outcome),
    /// It ran.
    Ran {
        /// How the process ended.
        how: How,
        /// Whether this side ended it.
        stopped: Option<StopReason>,
        /// Its time limit in milliseconds.
        limit_ms: u64,
        /// What is wrong with its result, if anything.
        invalid: Option<String>,
    },
}

impl EndedChild {
    /// The outcome, given the cause for which it had been asked to stop.
    pub(crate) fn outcome(self, cause: Option<&StopCause>) -> Outcome {
        match self {
            Self::NotStarted(outcome) => outcome,
            Self::Ran { stopped: Some(StopReason::TimedOut), limit_ms, .. } => Outcome::TimedOut { limit_ms },
            Self::Ran { stopped: Some(StopReason::OutputLimit { max_bytes, .. }), .. } => {
                Outcome::OutputLimit { limit_bytes: max_bytes }
            }
            Self::Ran { stopped: Some(StopReason::Requested(words)), .. } => {
                cause.map_or(Outcome::Interrupted { by: words }, StopCause::outcome)
            }
            // Something else reaped it: how it ended is unknown, and unknown is not called failed.
            Self::Ran { stopped: None, how: How::Unknown, .. } => {
                Outcome::Interrupted { by: "something that took its end from the worker".to_owned() }
            }
            Self::Ran { stopped: None, how: How::GuardLost(loss), .. } => {
                Outcome::Interrupted { by: format!("the loss of its guard: {loss}") }
            }
            Self::Ran { stopped: None, how: How::Signaled(signal), .. } => Outcome::Signaled { signal, sent_by: None },
            Self::Ran { stopped: None, how: How::Exited(0), invalid: Some(position), .. } => {
                Outcome::OutputInvalid { position }
            }
            Self::Ran { stopped: None, how: How::Exited(code), .. } => Outcome::Exited { code },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_its_outcome() {
        let ran = |how, stopped: Option<StopReason>, invalid: Option<&str>| EndedChild::Ran {
            how,
            stopped,
            limit_ms: 7,
            invalid: invalid.map(str::to_owned),
        };
        let asked = || Some(StopReason::Requested("words".into()));
        let ada = StopCause::Cancelled { by: "ada".into() };
        for (end, cause, expected) in [
            (ran(How::Exited(0), None, None), None, Outcome::Exited { code: 0 }),
            // It ended by itself before it heard of the cancel: what it did stands.
            (ran(How::Exited(0), None, None), Some(&ada), Outcome::Exited { code: 0 }),
            (ran(How::Exited(3), None, Some("line 1")), None, Outcome::Exited { code: 3 }),
            (ran(How::Exited(0), None, Some("line 1")), None, Outcome::OutputInvalid { position: "line 1".into() }),
            (ran(How::Signaled(9), None, None), None, Outcome::Signaled { signal: 9, sent_by: None }),
            (ran(How::Signaled(15), Some(StopReason::TimedOut), None), None, Outcome::TimedOut { limit_ms: 7 }),
            (ran(How::Signaled(15), asked(), None), Some(&ada), Outcome::Cancelled { by: "ada".into() }),
            (ran(How::Exited(0), asked(), None), Some(&ada), Outcome::Cancelled { by: "ada".into() }),
            (ran(How::Signaled(9), asked(), None), None, Outcome::Interrupted { by: "words".into() }),
            (
                EndedChild::NotStarted(Outcome::InterpreterMissing { name: "r".into() }),
                Some(&ada),
                Outcome::InterpreterMissing { name: "r".into() },
            ),
        ] {
            let described = format!("{end:?} {cause:?}");
            assert_eq!(end.outcome(cause), expected, "{described}");
        }
    }
}
