//! Stops a child from anywhere.

use std::sync::Arc;

use crate::shared::Shared;
use crate::stop_reason::StopReason;

/// A handle by which anybody can stop a child, from any thread, as often as they like. Does nothing once it has ended.
///
/// The child's guard is told directly: nothing else in this process needs to run for it to be obeyed.
#[derive(Debug, Clone)]
pub struct Stopper {
    pub(crate) shared: Arc<Shared>,
}

impl Stopper {
    /// Asks the whole tree to stop (`SIGTERM`, and `SIGCONT` so that a stopped process hears it) and kills what is left
    /// of it after [`Command::grace`](crate::Command::grace).
    pub fn stop(&self, reason: StopReason) {
        self.shared.stop(reason);
    }

    /// Kills the whole tree at once.
    pub fn kill(&self) {
        self.shared.kill(StopReason::Requested("kill".into()));
    }
}
