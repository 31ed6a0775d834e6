//! Why a worker stopped.

/// Why a worker stopped, and with it the exit code of its program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// It was asked to and everything was handed over: exit 0.
    Drained,
    /// It was asked to, and so many outcomes could not be reported yet. They lie in the state directory and are offered
    /// again at the next start: exit 75.
    Unreported {
        /// How many.
        outcomes: usize,
    },
    /// Another worker registered under the same name: exit 3.
    Replaced,
    /// A child of the tree failed too often: exit 70.
    GaveUp {
        /// Which, and why.
        reason: String,
    },
    /// It was told to leave at once: exit 130.
    Killed,
}

impl StopReason {
    /// The exit code of a program that stopped for this reason.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Drained => 0,
            Self::Unreported { .. } => 75,
            Self::Replaced => 3,
            Self::GaveUp { .. } => 70,
            Self::Killed => 130,
        }
    }
}
