//! How a process ended.

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
}
