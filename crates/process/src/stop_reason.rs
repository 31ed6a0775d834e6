//! Why a child was stopped.

use crate::stream::Stream;

/// Why this side ended the child before it ended by itself. The first reason stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// It ran longer than [`Command::timeout`](crate::Command::timeout).
    TimedOut,
    /// It wrote more than [`OutputLimits::max_bytes`](crate::OutputLimits::max_bytes) of a stream whose limit stops it.
    OutputLimit {
        /// The stream that was too long.
        stream: Stream,
        /// Its limit in bytes.
        max_bytes: u64,
    },
    /// The [`Fence`](crate::Fence) was not put off in time.
    Fenced,
    /// Somebody asked, in these words.
    Requested(String),
}
