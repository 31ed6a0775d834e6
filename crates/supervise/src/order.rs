//! What a supervisor tells the task of a child.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::{Exit, How, Manner, Stop};

/// What a supervisor tells the task of a child. The task obeys even when its actor hangs, as long as the thread is not blocked.
pub(crate) enum Order {
    /// Begin the life with this number.
    Restart {
        life: u64,
        after: Duration,
        /// Resolves when the sibling that starts earlier has started.
        predecessor: Option<oneshot::Receiver<()>>,
        /// Resolved when this one has started.
        begun: oneshot::Sender<()>,
    },
    /// End the present life, if there is one.
    Stop { stop: Stop, then: Then, reply: oneshot::Sender<Stopped> },
    /// The watchdog found the actor hanging: end its life.
    Stuck,
    /// Answer through the actor's context, so that a hanging actor does not answer.
    Probe(oneshot::Sender<()>),
    /// Answer from the task: says only that the thread is not blocked.
    Ping(oneshot::Sender<()>),
    /// Break the actor. Answers whether there was one to break.
    Inject { how: How, reply: oneshot::Sender<bool> },
}

/// What follows a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// Keep the mailbox and wait for an [`Order::Restart`].
    Park,
    /// Close the mailbox and end.
    Finish,
}

/// How a stop went.
#[derive(Debug)]
pub(crate) struct Stopped {
    pub(crate) manner: Manner,
    pub(crate) exit: Exit,
}
