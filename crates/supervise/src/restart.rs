//! When an ended child is started again.

use serde::{Deserialize, Serialize};

use crate::Exit;

/// When an ended child is started again.
///
/// | | normal | shutdown | failed, panicked, stuck |
/// |---|---|---|---|
/// | `Permanent` | restart | finish | restart |
/// | `Transient` | finish | finish | restart |
/// | `Temporary` | finish | finish | finish |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// Always, unless it was told to stop.
    Permanent,
    /// Only after a failure.
    Transient,
    /// Never. Its end is a result, not an accident.
    Temporary,
}

impl Restart {
    /// Says whether a child of this kind is started again after `exit`, before any limit is asked.
    pub fn wanted_after(self, exit: &Exit) -> bool {
        match self {
            Self::Permanent => *exit != Exit::Shutdown,
            Self::Transient => exit.is_failure(),
            Self::Temporary => false,
        }
    }
}
