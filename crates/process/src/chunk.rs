//! A piece of output.

use crate::stream::Stream;

/// Bytes that the child wrote, exactly as it wrote them: cut anywhere, even inside a character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where it was written.
    pub stream: Stream,
    /// How many bytes the child had written to that stream before these. Jumps over what was dropped.
    pub offset: u64,
    /// When it was read, in microseconds since the epoch ([`clock::wall`](crate::clock::wall)).
    pub at_micros: i64,
    /// At least one byte, at most [`Chunk::MAX_BYTES`].
    pub bytes: Vec<u8>,
}

impl Chunk {
    /// The largest chunk.
    pub const MAX_BYTES: usize = 64 << 10;
}
