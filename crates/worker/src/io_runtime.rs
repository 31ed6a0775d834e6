//! The runtime on which sockets live.

use std::future::Future;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// The runtime on which the pools of the store and the connections of the queue were opened. Actors on arbiters of
/// their own ask through it: a pooled connection must not be used from another reactor.
#[derive(Debug, Clone)]
pub(crate) struct IoRuntime(Handle);

impl IoRuntime {
    /// The runtime of the caller.
    pub(crate) fn current() -> Self {
        Self(Handle::current())
    }

    /// Runs `work` there and waits for it; `None` when it panicked or the runtime is going away. Dropping the wait
    /// drops the work.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let task = self.0.spawn(work);
        let _guard = AbortOnDrop(task.abort_handle());
        task.await.ok()
    }
}

/// Ends a task with its owner.
#[derive(Debug)]
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
