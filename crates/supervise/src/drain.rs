//! The request to finish and stop.

use actix::Message;

/// Asks an actor to finish what it holds and then to call `ctx.stop()`.
///
/// Sent to children whose specification says [`drain_by_message`](crate::ChildSpec::drain_by_message). Hooks of actix cannot await, so
/// everything asynchronous about stopping (flush, cancel, hand back) happens between this message and `ctx.stop()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain;

impl Message for Drain {
    type Result = ();
}
