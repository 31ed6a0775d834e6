//! The ways a test can break an actor.

use serde::{Deserialize, Serialize};

/// The ways a test can break a running actor, without a line of code in the actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Panics in the place of the next message: everything queued stays queued behind it.
    PanicInHandler,
    /// Panics inside a future that the actor's context runs, after yielding once.
    PanicInFuture,
    /// Panics inside a timer that the actor's context runs, a millisecond later.
    PanicInTimer,
    /// Calls `ctx.stop()`.
    Stop,
    /// Declares failure, as [`Life::fail`](crate::Life::fail) does.
    Fail,
    /// Stops answering: the context waits for ever. The watchdog finds it.
    Hang,
}

impl How {
    /// Every way there is, for tests that try them all.
    pub const ALL: [Self; 6] =
        [Self::PanicInHandler, Self::PanicInFuture, Self::PanicInTimer, Self::Stop, Self::Fail, Self::Hang];
}
