//! How much output is kept.

/// The limit of one stream; standard output and standard error each have it for themselves.
///
/// Of a stream that is longer, the beginning **and** the end are kept and the gap between is known to the byte
/// ([`Gap`](crate::Gap)). The end is held in memory until the stream is over, so it is at most
/// [`OutputLimits::TAIL_BYTES`]; everything else of the limit goes to the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputLimits {
    /// The most that is kept of each stream, in bytes.
    pub max_bytes: u64,
}

impl OutputLimits {
    /// What is kept of each stream when nothing is said: 10 MiB.
    pub const DEFAULT_BYTES: u64 = 10 << 20;
    /// The most that is kept of a long stream's end.
    pub const TAIL_BYTES: u64 = 128 << 10;

    /// At most `max_bytes` of each stream.
    #[must_use]
    pub const fn of(max_bytes: u64) -> Self {
        Self { max_bytes }
    }

    /// How much of a long stream's end is kept.
    #[must_use]
    pub const fn tail(self) -> u64 {
        let half = self.max_bytes / 2;
        if half < Self::TAIL_BYTES { half } else { Self::TAIL_BYTES }
    }

    /// How much of a long stream's beginning is kept.
    #[must_use]
    pub const fn head(self) -> u64 {
        self.max_bytes - self.tail()
    }
}

impl Default for OutputLimits {
    fn default() -> Self {
        Self::of(Self::DEFAULT_BYTES)
    }
}
