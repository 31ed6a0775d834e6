//! Why a running execution is stopped from outside.

use attune_types::Outcome;

/// Why a running execution is stopped from outside. The first cause stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopCause {
    /// Somebody cancelled it.
    Cancelled {
        /// Who.
        by: String,
    },
    /// The worker leaves.
    Draining {
        /// What made it leave.
        by: String,
    },
    /// The store says that the attempt is no longer this worker's.
    TakenAway,
}

impl StopCause {
    /// The outcome of an attempt that ended because of it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Cancelled { by } => Outcome::Cancelled { by: by.clone() },
            Self::Draining { by } => Outcome::Interrupted { by: by.clone() },
            Self::TakenAway => Outcome::Interrupted { by: "the worker: the attempt was taken away".to_owned() },
        }
    }

    /// In words, for the process and the log.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Cancelled { by } => format!("cancelled by {by}"),
            Self::Draining { by } => format!("interrupted by {by}"),
            Self::TakenAway => "the attempt was taken away".to_owned(),
        }
    }
}
