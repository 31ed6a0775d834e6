//! How much output is kept.

/// The limit of one stream; standard output and standard error each have their own.
///
/// Of a stream that is longer, the beginning **and** the end are kept and the gap between is known to the byte
/// ([`Gap`](crate::Gap)). The end is held in memory until the stream is over, so it is at most
/// [`OutputLimits::TAIL_BYTES`]; everything else of the limit goes to the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputLimits {
    /// The most that is kept of the stream, in bytes.
    pub max_bytes: u64,
    /// Whether a child that writes more is stopped. Otherwise it goes on, and what it writes is read and left out.
    pub stops: bool,
}

impl OutputLimits {
    /// What is kept of each stream when nothing is said: 10 MiB.
    pub const DEFAULT_BYTES: u64 = 10 << 20;
    /// The most that is kept of a long stream's end.
    pub const TAIL_BYTES: u64 = 128 << 10;

    /// At most `max_bytes` of the stream; a child that writes more goes on.
    #[must_use]
    pub const fn of(max_bytes: u64) -> Self {
        Self { max_bytes, stops: false }
    }

    /// The same, but a child that writes more is stopped:
    /// [`StopReason::OutputLimit`](crate::StopReason::OutputLimit).
    #[must_use]
    pub const fn stopping(self) -> Self {
        Self { stops: true, ..self }
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
