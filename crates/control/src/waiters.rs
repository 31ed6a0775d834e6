//! Who waits for which execution to move.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use attune_types::ExecutionId;
use tokio::sync::watch;

/// A registry of waiters by execution, so that a change of one execution wakes those who wait for it and nobody else.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiters {
    senders: Arc<Mutex<HashMap<ExecutionId, watch::Sender<()>>>>,
}

impl Waiters {
    fn senders(&self) -> MutexGuard<'_, HashMap<ExecutionId, watch::Sender<()>>> {
        // The map is whole between two statements, so a panic elsewhere cannot have left it half-changed.
        self.senders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on changes of `id` are noticed. Look at the execution after calling this, never before.
    pub(crate) fn wait_for(&self, id: ExecutionId) -> Waiter {
        let receiver = self.senders().entry(id).or_insert_with(|| watch::channel(()).0).subscribe();
        Waiter { id, receiver: Some(receiver), waiters: self.clone() }
    }

    /// Something happened to `id`, or to some execution when it is not known which.
    pub(crate) fn wake(&self, id: Option<ExecutionId>) {
        let senders = self.senders();
        match id {
            Some(id) => {
                if let Some(sender) = senders.get(&id) {
                    sender.send_replace(());
                }
            }
            None => senders.values().for_each(|sender| {
                sender.send_replace(());
            }),
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.senders().len()
    }
}

/// One who waits; dropping it takes the entry out when nobody else waits for the same execution.
#[derive(Debug)]
pub(crate) struct Waiter {
    id: ExecutionId,
    receiver: Option<watch::Receiver<()>>,
    waiters: Waiters,
}

impl Waiter {
    /// Returns when the execution moved since the last call, or since the waiter was made.
    pub(crate) async fn moved(&mut self) {
        if let Some(receiver) = &mut self.receiver
            && receiver.changed().await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut senders = self.waiters.senders();
        self.receiver = None;
        if senders.get(&self.id).is_some_and(|sender| sender.receiver_count() == 0) {
            senders.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn a_change_wakes_those_who_wait_for_it_and_nobody_else() {
        let waiters = Waiters::default();
        let mut seven = waiters.wait_for(ExecutionId(7));
        let mut also_seven = waiters.wait_for(ExecutionId(7));
        let mut eight = waiters.wait_for(ExecutionId(8));
        waiters.wake(Some(ExecutionId(7)));
        assert!(seven.moved().now_or_never().is_some() && also_seven.moved().now_or_never().is_some());
        assert!(seven.moved().now_or_never().is_none() && eight.moved().now_or_never().is_none());
        waiters.wake(None);
        assert!(seven.moved().now_or_never().is_some() && eight.moved().now_or_never().is_some());
    }

    #[test]
    fn nobody_is_remembered_after_leaving() {
        let waiters = Waiters::default();
        let (first, second) = (waiters.wait_for(ExecutionId(7)), waiters.wait_for(ExecutionId(7)));
        drop(first);
        assert_eq!(waiters.len(), 1);
        drop(second);
        assert_eq!(waiters.len(), 0);
        waiters.wake(Some(ExecutionId(7)));
    }
}
