//! Stops a child from anywhere.

use std::sync::Arc;

use crate::shared::Shared;
use crate::stop_reason::StopReason;
use crate::stopping::Event;

/// A handle by which anybody can stop a child, from any thread, as often as they like. Does nothing once it has ended.
#[derive(Debug, Clone)]
pub struct Stopper {
    pub(crate) shared: Arc<Shared>,
}

impl Stopper {
    /// Asks the whole tree to stop (`SIGTERM`, and `SIGCONT` so that a stopped process hears it) and kills what is left
    /// of it after [`Command::grace`](crate::Command::grace). Needs [`Child::wait`](crate::Child::wait) to be running.
    pub fn stop(&self, reason: StopReason) {
        self.shared.want(Event::Stop(reason));
    }

    /// Kills the whole tree at once. The child and its process group are as good as dead when this returns; what
    /// left the group dies as soon as [`Child::wait`](crate::Child::wait) runs.
    pub fn kill(&self) {
        // The wish is left before the signal is sent, so that the end is never taken for somebody else's doing.
        self.shared.want(Event::Kill(StopReason::Requested("kill".into())));
        self.shared.guarding.signal(libc::SIGKILL);
    }
}
