//! States of executions, attempts and workers, and the moves between them that are legal.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A word that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not one of: {known}")]
pub struct UnknownState {
    /// What was refused.
    pub word: String,
    /// The words that exist, separated by commas.
    pub known: String,
}

macro_rules! state_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every state, in the order of life.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that the database, the API and the command line use.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownState;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownState { word: word.to_owned(), known: [$($word),+].join(", ") }),
                }
            }
        }
    };
}

state_enum! {
    /// Where an execution stands.
    ExecutionStatus {
        /// Accepted; waits for a worker.
        Requested = "requested",
        /// A worker was chosen.
        Scheduled = "scheduled",
        /// User code may be running.
        Running = "running",
        /// A cancel was asked for while it ran.
        Canceling = "canceling",
        /// An attempt ended and another will follow.
        Retrying = "retrying",
        /// Ended: exit 0 was seen and the result stored.
        Completed = "completed",
        /// Ended: it ran and did not succeed, or could not be run.
        Failed = "failed",
        /// Ended: it ran longer than it was allowed.
        Timeout = "timeout",
        /// Ended: somebody cancelled it.
        Cancelled = "cancelled",
        /// Ended: its worker vanished while it ran, so whether it took effect is unknown. Never shown as failed.
        Abandoned = "abandoned",
    }
}

impl ExecutionStatus {
    /// Nothing changes a terminal execution any more; the databases enforce it by trigger.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Timeout | Self::Cancelled | Self::Abandoned)
    }

    /// Whether an execution waits for a scheduler.
    #[must_use]
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Requested | Self::Retrying)
    }

    /// The table of legal moves.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        use ExecutionStatus::{Canceling, Cancelled, Failed, Requested, Retrying, Running, Scheduled};
        if self.is_terminal() {
            return false;
        }
        match self {
            Requested | Retrying => matches!(next, Scheduled | Cancelled | Failed),
            // Back to requested: handed back or superseded before anything ran.
            Scheduled => {
                matches!(next, Running | Requested | Retrying | Canceling | Cancelled | Failed)
            }
            Running => next.is_terminal() || matches!(next, Retrying | Canceling),
            Canceling => next.is_terminal(),
            _ => false,
        }
    }
}

state_enum! {
    /// Where one try of an execution stands.
    AttemptState {
        /// A scheduler chose the worker.
        Assigned = "assigned",
        /// The worker took it but nothing of it can have run.
        Claimed = "claimed",
        /// User code may be running.
        Running = "running",
        /// Ended with success.
        Succeeded = "succeeded",
        /// Ended without success.
        Failed = "failed",
        /// Ended by its time limit.
        TimedOut = "timed_out",
        /// Ended by a cancel.
        Cancelled = "cancelled",
        /// Ended by the worker's own shutdown.
        Interrupted = "interrupted",
        /// Its worker vanished; the outcome is unknown.
        Lost = "lost",
        /// Given back by the worker before anything ran.
        HandedBack = "handed_back",
        /// Refused by the worker before anything ran.
        Rejected = "rejected",
        /// Taken away before anything ran.
        Superseded = "superseded",
    }
}

impl AttemptState {
    /// One live attempt per execution at most; a unique index enforces it.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Assigned | Self::Claimed | Self::Running)
    }

    /// Whether nothing of the attempt can have run, so that running it again is always safe.
    #[must_use]
    pub const fn never_started(self) -> bool {
        matches!(self, Self::HandedBack | Self::Rejected | Self::Superseded)
    }

    /// The table of legal moves.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Assigned => matches!(next, Self::Claimed | Self::Running) || next.never_started(),
            Self::Claimed => matches!(next, Self::Running | Self::Failed) || next.never_started(),
            // Given back when its worker vouches that it made no use of the start it was allowed.
            Self::Running => !next.is_live() && !matches!(next, Self::Rejected | Self::Superseded),
            _ => false,
        }
    }
}

state_enum! {
    /// What a worker is doing.
    WorkerStatus {
        /// Takes work.
        Active = "active",
        /// Finishes what it has and takes nothing new.
        Draining = "draining",
        /// Has not beaten for a while.
        Unreachable = "unreachable",
        /// Has left.
        Inactive = "inactive",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for status in ExecutionStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(*status));
            assert_eq!(serde_json::to_value(status).expect("serialises"), status.as_str());
        }
        for state in AttemptState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        let error = "done".parse::<WorkerStatus>().expect_err("no such word");
        assert_eq!(error.to_string(), "\"done\" is not one of: active, draining, unreachable, inactive");
    }

    #[test]
    fn terminal_executions_and_ended_attempts_never_move() {
        for status in ExecutionStatus::ALL.iter().filter(|status| status.is_terminal()) {
            assert!(ExecutionStatus::ALL.iter().all(|next| !status.may_become(*next)), "{status}");
        }
        for state in AttemptState::ALL.iter().filter(|state| !state.is_live()) {
            assert!(AttemptState::ALL.iter().all(|next| !state.may_become(*next)), "{state}");
        }
    }

    #[test]
    fn only_its_own_worker_may_say_that_what_could_have_run_did_not() {
        for next in AttemptState::ALL.iter().filter(|next| next.never_started()) {
            let may = AttemptState::Running.may_become(*next);
            assert_eq!(may, *next == AttemptState::HandedBack, "{next}");
        }
    }

    #[test]
    fn every_state_can_end() {
        for start in ExecutionStatus::ALL {
            let mut seen = vec![*start];
            let mut index = 0;
            while index < seen.len() {
                for next in ExecutionStatus::ALL {
                    if seen[index].may_become(*next) && !seen.contains(next) {
                        seen.push(*next);
                    }
                }
                index += 1;
            }
            assert!(seen.iter().any(|status| status.is_terminal()), "{start} is a dead end");
        }
    }
}
