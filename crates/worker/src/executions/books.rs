//! What is written down outside of every actor.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    is_leaving: AtomicBool,
    pub(crate) counters: Counters,
}

/// A way to stop a process tree and to know that it is gone, without its Executor.
#[derive(Debug)]
struct Leash {
    /// `None` until the process was started.
    stopper: Option<Stopper>,
    /// Whether it shall be killed the moment it is started.
    is_doomed: bool,
    /// Its sender is dropped when nothing of the tree is left.
    gone: watch::Receiver<()>,
}

impl Leash {
    fn doom(&mut self) {
        self.is_doomed = true;
        if let Some(stopper) = &self.stopper {
            stopper.kill();
        }
    }
}

/// Takes a process tree off its leash when it is gone. Whoever runs the process holds this.
#[derive(Debug)]
pub(crate) struct Leashed {
    books: Arc<Books>,
    key: Key,
    _alive: watch::Sender<()>,
}

impl Leashed {
    /// The process was started.
    pub(crate) fn hold(&self, stopper: Stopper) {
        if let Some(leash) = self.books.leashes().get_mut(&self.key) {
            if leash.is_doomed {
                stopper.kill();
            }
            leash.stopper = Some(stopper);
        }
    }
}

impl Drop for Leashed {
    fn drop(&mut self) {
        self.books.leashes().remove(&self.key);
    }
}

impl Books {
    /// The ledger. Keep it for a moment only.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Nothing under this lock can panic half-way through a change, so a poisoned ledger is still a true one.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a process that is about to be started on a leash.
    pub(crate) fn leash(self: &Arc<Self>, key: Key) -> Leashed {
        let (alive, gone) = watch::channel(());
        self.leashes().insert(key, Leash { stopper: None, is_doomed: false, gone });
        Leashed { books: Arc::clone(self), key, _alive: alive }
    }

    /// Kills a process tree, also one that is only being started, and waits until nothing of it is left.
    pub(crate) async fn end(&self, key: Key) {
        let gone = self.leashes().get_mut(&key).map(|leash| {
            leash.doom();
            leash.gone.clone()
        });
        if let Some(mut gone) = gone {
            while gone.changed().await.is_ok() {}
        }
    }

    /// This worker takes no more work for the rest of its life.
    pub(crate) fn leave(&self) {
        self.is_leaving.store(true, Ordering::SeqCst);
    }

    /// Whether it takes no more work for the rest of its life.
    pub(crate) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::SeqCst)
    }

    /// How many process trees run.
    pub(crate) fn trees(&self) -> usize {
        self.leashes().len()
    }

    /// Asks every process tree to stop, for this reason; SIGKILL follows after each one's grace.
    pub(crate) fn terminate_all(&self, reason: &str) {
        for stopper in self.leashes().values().filter_map(|leash| leash.stopper.as_ref()) {
            stopper.stop(StopReason::Requested(reason.to_owned()));
        }
    }

    /// Kills every process tree now.
    pub(crate) fn kill_all(&self) {
        for leash in self.leashes().values_mut() {
            leash.doom();
        }
    }

    fn leashes(&self) -> MutexGuard<'_, HashMap<Key, Leash>> {
        self.leashes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
