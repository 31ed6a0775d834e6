//! What a child and everybody who may stop it have in common.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::launcher::Lent;
use crate::stop_reason::StopReason;
use crate::wire::ToGuard;

/// A child's guard, and what is wanted of the child.
#[derive(Debug)]
pub(crate) struct Shared {
    run: u64,
    wishes: Mutex<Wishes>,
    changed: Notify,
}

#[derive(Debug)]
struct Wishes {
    /// Absent when the child has ended.
    lent: Option<Arc<Lent>>,
    /// Why it is to stop: the first reason stands.
    reason: Option<StopReason>,
    is_killed: bool,
}

/// How much is wanted so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wanted {
    /// That it runs.
    Nothing,
    /// That it stops.
    Stop,
    /// That it is dead.
    Kill,
}

impl Shared {
    pub(crate) fn new(lent: Arc<Lent>, run: u64) -> Self {
        let wishes = Wishes { lent: Some(lent), reason: None, is_killed: false };
        Self { run, wishes: Mutex::new(wishes), changed: Notify::new() }
    }

    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        // Nothing under this lock can panic half-way through a change.
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the guard to stop the tree. Only the first time counts.
    pub(crate) fn stop(&self, reason: StopReason) {
        let mut wishes = self.wishes();
        let Some(lent) = &wishes.lent else { return };
        if wishes.reason.is_none() {
            // Not sent: the guard is gone, and with it what it guarded.
            drop(lent.link().send(&ToGuard::stop(self.run), &[]));
            wishes.reason = Some(reason);
            drop(wishes);
            self.changed.notify_one();
        }
    }

    /// Has the guard kill the tree. The reason counts if there was none before.
    pub(crate) fn kill(&self, reason: StopReason) {
        let mut wishes = self.wishes();
        let Some(lent) = &wishes.lent else { return };
        if !wishes.is_killed {
            // Not sent: as above.
            drop(lent.link().send(&ToGuard::kill(self.run), &[]));
            wishes.is_killed = true;
            wishes.reason.get_or_insert(reason);
            drop(wishes);
            self.changed.notify_one();
        }
    }

    /// Waits until more is wanted than `known`, and says what.
    pub(crate) async fn wants_more_than(&self, known: Wanted) -> Wanted {
        loop {
            let wanted = {
                let wishes = self.wishes();
                match (&wishes.reason, wishes.is_killed) {
                    (_, true) => Wanted::Kill,
                    (Some(_), false) => Wanted::Stop,
                    (None, false) => Wanted::Nothing,
                }
            };
            if wanted > known {
                return wanted;
            }
            self.changed.notified().await;
        }
    }

    /// From now on nobody can stop anything here. Returns the first reason that there was to stop.
    pub(crate) fn close(&self) -> Option<StopReason> {
        let mut wishes = self.wishes();
        let lent = wishes.lent.take();
        let reason = wishes.reason.take();
        drop(wishes);
        drop(lent);
        reason
    }
}

/// Lets go of the guard when it is dropped: a guard that nobody holds kills what it guards.
#[derive(Debug)]
pub(crate) struct Leash(pub(crate) Arc<Shared>);

impl Drop for Leash {
    fn drop(&mut self) {
        self.0.close();
    }
}
