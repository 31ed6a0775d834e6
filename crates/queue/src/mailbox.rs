//! A ledger that readers can wait on.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::ledger::Ledger;
use crate::queue::LinkEvent;

/// Shares a [`Ledger`] between whoever fills it and whoever reads from it.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    ledger: Mutex<Ledger>,
    changed: Notify,
}

impl Mailbox {
    /// Changes the books and wakes a reader.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut Ledger) -> T) -> T {
        let answer = change(&mut self.ledger());
        self.changed.notify_one();
        answer
    }

    /// The books, to look at or to settle in, which is nothing a reader waits for.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // The books stay whole across a panic: each change is one call.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next event. An event leaves the ledger only when it is returned, so this may be cancelled.
    pub(crate) async fn next(&self) -> LinkEvent {
        loop {
            let changed = self.changed.notified();
            if let Some(event) = self.ledger().next() {
                // Others may wait for what is behind it.
                self.changed.notify_one();
                return event;
            }
            changed.await;
        }
    }
}
