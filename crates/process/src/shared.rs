//! What a child and everybody who may stop it have in common.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::guarding::Guarding;
use crate::stopping::Event;

/// The tree, and what is wanted of it.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) guarding: Guarding,
    wanted: Mutex<Option<Event>>,
    wake: Notify,
}

impl AsFd for Shared {
    /// The descriptor that becomes readable when the root has ended; the same for the whole life of the value.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.guarding.pidfd()
    }
}

impl Shared {
    pub(crate) fn new(guarding: Guarding) -> Self {
        Self { guarding, wanted: Mutex::new(None), wake: Notify::new() }
    }

    /// Leaves a wish for [`Child::wait`](crate::Child::wait). A wish to kill takes the place of one to stop.
    pub(crate) fn want(&self, event: Event) {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*wanted, &event) {
            (None, _) => *wanted = Some(event),
            // The first reason stands.
            (Some(Event::Stop(reason)), Event::Kill(_)) => *wanted = Some(Event::Kill(reason.clone())),
            _ => {}
        }
        drop(wanted);
        self.wake.notify_one();
    }

    /// The wish that was left last, if it was not taken yet.
    pub(crate) fn take_wish(&self) -> Option<Event> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits for a wish.
    pub(crate) async fn wanted(&self) -> Event {
        loop {
            if let Some(event) = self.take_wish() {
                return event;
            }
            self.wake.notified().await;
        }
    }
}

/// Kills the tree when it is dropped before its root was reaped.
#[derive(Debug)]
pub(crate) struct Leash {
    pub(crate) shared: Arc<Shared>,
    is_over: bool,
}

impl Leash {
    pub(crate) fn new(guarding: Guarding) -> Self {
        Self { shared: Arc::new(Shared::new(guarding)), is_over: false }
    }

    /// The tree is gone and its root reaped: nothing is left to do.
    pub(crate) fn release(mut self) {
        self.is_over = true;
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        self.shared.guarding.signal(libc::SIGKILL);
        let shared = Arc::clone(&self.shared);
        // A thread, not a task: a child is dropped unfinished mostly when the runtime itself is going away.
        let reaper = std::thread::Builder::new().name("attune-reaper".into()).spawn(move || {
            shared.guarding.kill_everywhere();
            if let Err(error) = shared.guarding.reap(true) {
                tracing::warn!(%error, process.pid = shared.guarding.pid(), "a killed child could not be reaped");
            }
        });
        if let Err(error) = reaper {
            tracing::warn!(%error, "no thread to reap a killed child: it stays a zombie until this process ends");
        }
    }
}
