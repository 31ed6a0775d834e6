//! What is done about an ended child.

use std::time::Duration;

/// What is done about an ended child.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a verdict does nothing by itself"]
pub enum Verdict {
    /// It gets another life after this wait.
    Restart {
        /// How long to wait before it starts.
        after: Duration,
    },
    /// It is done, and that is fine.
    Finish,
    /// It failed too often. The tree stops, and its owner is told.
    GiveUp {
        /// What to tell the owner.
        reason: String,
    },
}
