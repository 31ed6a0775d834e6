//! Proof that the kernel killed for memory.

use std::fmt;

/// Whose memory ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OomScope {
    /// The tree reached its own limit.
    Execution = 1,
    /// The control group that this process is in itself (its container, its service unit), or the machine, ran out while
    /// the tree ran in it. Any process in there may have been the one that was killed, so this proves something only
    /// together with a root that died by a `SIGKILL` which nobody here sent.
    Surroundings = 2,
}

impl fmt::Display for OomScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Execution => "its own limit",
            Self::Surroundings => "the worker's own container",
        })
    }
}

/// The kernel killed a process because memory was out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OomEvidence {
    /// The limit that was reached, in bytes; absent when there was none but the machine's own size.
    pub limit_bytes: Option<u64>,
    /// The most that was used under that limit, in bytes, when the kernel tells.
    pub peak_bytes: Option<u64>,
    /// Whose memory ran out.
    pub scope: OomScope,
}
