//! What a tree used, as a control group counted it.

use std::time::Duration;

use crate::limits::OomEvidence;

/// What a tree used, as far as a control group counted it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounting {
    /// The most memory that the whole tree had at once, in bytes. Known when memory was limited by a control group.
    pub peak_memory_bytes: Option<u64>,
    /// Processor time of the whole tree. Known where a control group counts it for free.
    pub cpu: Option<Duration>,
    /// Whether the kernel killed for memory; see [`OomScope`](crate::limits::OomScope) for how far that is a proof.
    pub oom_killed: Option<OomEvidence>,
}
