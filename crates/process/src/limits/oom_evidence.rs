//! Proof that the kernel killed for memory.

/// The kernel killed a process of the tree because memory was out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OomEvidence {
    /// The limit that was hit, in bytes.
    pub limit_bytes: u64,
    /// The most that the tree had used, in bytes.
    pub peak_bytes: u64,
    /// Where it was counted.
    pub counted_by: String,
}
