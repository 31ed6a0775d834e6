//! What a tree used, as a control group counted it.

use crate::limits::OomEvidence;

/// What a tree used, as far as a control group counted it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounting {
    /// The most memory that it had at once, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Whether the kernel killed one of its processes for memory.
    pub oom_killed: Option<OomEvidence>,
}
