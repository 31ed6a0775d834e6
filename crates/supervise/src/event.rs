//! What the parts of a tree tell its brain.

use tokio::sync::oneshot;

use crate::{Exit, ShutdownReport};

/// What happened to a child.
#[derive(Debug)]
pub(crate) enum Event {
    /// Life number `life` of the child at this position ended, and its task waits for an order.
    Ended { position: usize, life: u64, exit: Exit },
    /// The child could not even be created.
    Stillborn { position: usize, exit: Exit },
    /// The child was declared stuck and its task does not react: its thread is blocked or gone.
    Unreachable { position: usize },
}

/// What the supervisor actor asks for.
#[derive(Debug)]
pub(crate) enum Command {
    /// Stop everything, in reverse order.
    Shutdown(oneshot::Sender<ShutdownReport>),
}
