//! How one life of a supervised actor ended.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How one life of a supervised actor ended. Every part of the tree speaks this one enum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "reason", rename_all = "snake_case")]
#[must_use = "an exit that nobody looks at is a failure that nobody handles"]
pub enum Exit {
    /// The actor stopped by itself, without calling [`Life::fail`](crate::Life::fail).
    Normal,
    /// The actor was told to stop, by its supervisor or by the end of the process.
    Shutdown,
    /// The actor declared that it cannot go on, for this reason.
    Failed(String),
    /// The actor panicked with this message.
    Panicked(String),
    /// The actor missed two probes in a row: it is alive but answers nothing.
    Stuck,
}

impl Exit {
    /// Says whether the life ended badly: failed, panicked or stuck.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Normal | Self::Shutdown => false,
            Self::Failed(_) | Self::Panicked(_) | Self::Stuck => true,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => formatter.write_str("ended by itself"),
            Self::Shutdown => formatter.write_str("was told to stop"),
            Self::Failed(reason) => write!(formatter, "failed: {reason}"),
            Self::Panicked(message) => write!(formatter, "panicked: {message}"),
            Self::Stuck => formatter.write_str("stuck: two probes were not answered"),
        }
    }
}
