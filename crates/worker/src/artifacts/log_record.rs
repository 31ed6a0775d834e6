//! One log piece as the journal keeps it.
//!
//! A record is a head of fixed size and the bytes. There is no checksum: the journal protects against the death of this
//! process, which cannot tear what the kernel has taken, and after a power cut the last, half-written record is
//! recognised by its length and left out.

use attune_types::{AttemptNumber, ExecutionId, LogChunk, LogStream, Timestamp};

/// Size of a record's head: length 4, execution 8, attempt 4, sequence 8, stream 2, offset 8, time 8.
pub(crate) const HEAD_BYTES: usize = 42;

/// The largest piece a record may hold. Longer lengths can only come from a damaged file.
const MAX_BYTES: usize = 1 << 24;

/// What the first bytes of a text hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// A piece, and how many bytes it took.
    Record(LogChunk, usize),
    /// Not yet a whole record.
    Incomplete,
    /// Nothing that this program wrote.
    Damaged,
}

/// Appends `chunk` to `buffer`.
pub(crate) fn write(chunk: &LogChunk, buffer: &mut Vec<u8>) {
    let length = u32::try_from(chunk.bytes.len()).unwrap_or(u32::MAX);
    buffer.reserve(HEAD_BYTES + chunk.bytes.len());
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&chunk.execution.0.to_le_bytes());
    buffer.extend_from_slice(&chunk.attempt.0.to_le_bytes());
    buffer.extend_from_slice(&chunk.sequence.to_le_bytes());
    buffer.extend_from_slice(&chunk.stream.as_number().to_le_bytes());
    buffer.extend_from_slice(&chunk.offset.to_le_bytes());
    buffer.extend_from_slice(&chunk.at.0.to_le_bytes());
    buffer.extend_from_slice(&chunk.bytes);
}

/// Reads the record at the start of `buffer`.
pub(crate) fn read(buffer: &[u8]) -> Read {
    let Some((head, rest)) = buffer.split_first_chunk::<HEAD_BYTES>() else { return Read::Incomplete };
    let mut fields = Fields { head, position: 0 };
    let length = u32::from_le_bytes(fields.next()) as usize;
    if length > MAX_BYTES {
        return Read::Damaged;
    }
    let execution = ExecutionId(i64::from_le_bytes(fields.next()));
    let attempt = AttemptNumber(i32::from_le_bytes(fields.next()));
    let sequence = i64::from_le_bytes(fields.next());
    let Some(stream) = LogStream::from_number(i16::from_le_bytes(fields.next())) else { return Read::Damaged };
    let offset = u64::from_le_bytes(fields.next());
    let at = Timestamp(i64::from_le_bytes(fields.next()));
    let Some(bytes) = rest.get(..length) else { return Read::Incomplete };
    let chunk = LogChunk { execution, attempt, sequence, stream, offset, at, bytes: bytes.to_vec() };
    Read::Record(chunk, HEAD_BYTES + length)
}

struct Fields<'a> {
    head: &'a [u8; HEAD_BYTES],
    position: usize,
}

impl Fields<'_> {
    fn next<const SIZE: usize>(&mut self) -> [u8; SIZE] {
        let mut field = [0; SIZE];
        field.copy_from_slice(&self.head[self.position..self.position + SIZE]);
        self.position += SIZE;
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_chunk() -> impl Strategy<Value = LogChunk> {
        let streams = prop_oneof![Just(LogStream::Stdout), Just(LogStream::Stderr), Just(LogStream::System)];
        let bytes = proptest::collection::vec(any::<u8>(), 0..200);
        (any::<i64>(), any::<i32>(), any::<i64>(), streams, any::<u64>(), any::<i64>(), bytes).prop_map(
            |(execution, attempt, sequence, stream, offset, at, bytes)| LogChunk {
                execution: ExecutionId(execution),
                attempt: AttemptNumber(attempt),
                sequence,
                stream,
                offset,
                at: Timestamp(at),
                bytes,
            },
        )
    }

    proptest! {
        #[test]
        fn what_was_written_reads_back_and_every_cut_is_noticed(chunk in any_chunk(), cut in 0..300_usize) {
            let mut buffer = Vec::new();
            write(&chunk, &mut buffer);
            let whole = buffer.len();
            prop_assert_eq!(read(&buffer[..cut.min(whole - 1)]), Read::Incomplete);
            buffer.extend_from_slice(b"next");
            prop_assert_eq!(read(&buffer), Read::Record(chunk, whole));
        }

        #[test]
        fn no_bytes_make_it_fail(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _answer = read(&bytes);
        }
    }
}
