//! Why a child was stopped.

/// Why this side ended the child before it ended by itself. The first reason stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// It ran longer than [`Command::timeout`](crate::Command::timeout).
    TimedOut,
    /// Somebody asked, in these words.
    Requested(String),
}
