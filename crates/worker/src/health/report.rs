//! What a worker writes down about itself.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What a worker writes down about itself. All times are milliseconds of the clock that counts suspend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The worker's name.
    pub(crate) worker: String,
    /// When this was written.
    pub(crate) at: u64,
    /// How long after that it may still be believed.
    pub(crate) good_for: u64,
    /// Whether the supervisor of its actors answered just now.
    pub(crate) tree: bool,
    /// When the last heartbeat was sent that the database confirmed.
    pub(crate) beat: u64,
    /// How old that may become.
    pub(crate) beat_good_for: u64,
    /// Whether the broker has its consumer; `None` where no broker is configured, and while it drains.
    pub(crate) consuming: Option<bool>,
}

/// Where a worker with this state directory writes it.
pub(crate) fn file_in(state_directory: &Path) -> PathBuf {
    state_directory.join("health.json")
}
