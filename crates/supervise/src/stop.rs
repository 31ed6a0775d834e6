//! How a child is stopped.

use std::time::Duration;

/// How a child is stopped, at shutdown or because a sibling failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Asks first, then waits this long, then aborts.
    ///
    /// Asking means: the messages already queued are handled and then `ctx.stop()` is called; or, when the specification says
    /// [`drain_by_message`](crate::ChildSpec::drain_by_message), the actor gets a [`Drain`](crate::Drain) and stops itself when it is done.
    Drain(Duration),
    /// Aborts at once. `stopping` and `stopped` do not run; destructors do.
    Brutal,
}

impl Default for Stop {
    fn default() -> Self {
        Self::Drain(Duration::from_secs(5))
    }
}
