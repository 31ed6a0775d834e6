//! Asking whether a tree answers.

use std::time::Duration;

use actix::Message;

/// Asks every child of a tree to answer within this time. Sent to the [`Supervisor`](crate::Supervisor).
///
/// A heartbeat sends it from another arbiter and beats only when the [`Health`] is good: a process whose actors hang must look dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// How long the children have.
    pub within: Duration,
}

impl Message for Probe {
    type Result = Health;
}

/// Which children did not answer a [`Probe`]. A child that is between two lives counts as answering: it is being looked after.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a beat for a silent tree hides that it hangs"]
pub struct Health {
    /// The names of the children that did not answer in time, in declaration order.
    pub silent: Vec<String>,
}

impl Health {
    /// Says whether every child answered.
    pub fn is_good(&self) -> bool {
        self.silent.is_empty()
    }
}
