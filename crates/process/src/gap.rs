//! What was dropped.

/// The bytes of a stream that were read but not kept, because the stream was longer than its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Offset of the first byte that is missing.
    pub from: u64,
    /// Offset of the first byte after them that was kept again (or the stream's length).
    pub to: u64,
}

impl Gap {
    /// How many bytes are missing.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.to - self.from
    }
}
