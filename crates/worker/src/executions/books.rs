//! What is written down outside of every actor.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use attune_process::{StopReason, Stopper};
use tokio::sync::watch;

use super::counters::Counters;
use super::key::Key;
use super::ledger::Ledger;

/// What is written down outside of every actor, so that no crash forgets it: the ledger, a leash to every running
/// process tree, and what happened how often.
#[derive(Debug, Default)]
pub(crate) struct Books {
    ledger: Mutex<Ledger>,
    leashes: Mutex<HashMap<Key, Leash>>,
    pub(crate) counters: Counters,
}

/// A way to stop a process tree and to know that it is gone, without its Executor.
#[derive(Debug, Clone)]
pub(crate) struct Leash {
    pub(crate) stopper: Stopper,
    /// Its sender is dropped when nothing of the tree is left.
    pub(crate) gone: watch::Receiver<()>,
}

impl Leash {
    /// Kills the tree and waits until nothing of it is left.
    pub(crate) async fn kill(mut self) {
        self.stopper.kill();
        while self.gone.changed().await.is_ok() {}
    }
}

impl Books {
    /// The ledger. Keep it for a moment only.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Nothing under this lock can panic half-way through a change, so a poisoned ledger is still a true one.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn leash(&self, key: Key, leash: Leash) {
        self.leashes().insert(key, leash);
    }

    pub(crate) fn unleash(&self, key: Key) -> Option<Leash> {
        self.leashes().remove(&key)
    }

    /// How many process trees run.
    pub(crate) fn trees(&self) -> usize {
        self.leashes().len()
    }

    /// Asks every process tree to stop, for this reason; SIGKILL follows after each one's grace.
    pub(crate) fn terminate_all(&self, reason: &str) {
        for leash in self.leashes().values() {
            leash.stopper.stop(StopReason::Requested(reason.to_owned()));
        }
    }

    /// Kills every process tree now.
    pub(crate) fn kill_all(&self) {
        for leash in self.leashes().values() {
            leash.stopper.kill();
        }
    }

    fn leashes(&self) -> MutexGuard<'_, HashMap<Key, Leash>> {
        self.leashes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
