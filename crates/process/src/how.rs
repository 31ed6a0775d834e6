//! How a process ended.

use crate::guard_loss::GuardLoss;

/// How the child itself ended, as the kernel tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It exited with this code, 0 to 255.
    Exited(i32),
    /// This signal ended it.
    Signaled(i32),
    /// It ended, but somebody else in this process reaped it first (`waitpid(-1)`, or `SIGCHLD` ignored), so how it
    /// ended is lost. Never a success.
    Unknown,
    /// Its guard, the process that watched over it, was lost. The tree is dead all the same; how the child itself ended
    /// is not known.
    GuardLost(GuardLoss),
}
