//! Log pieces.

use attune_types::{AttemptNumber, ExecutionId, LogChunk, LogStream, Timestamp};

use crate::read_back::corrupt;
use crate::session::{Session, Sql};
use crate::trouble::Trouble;
use crate::unit::small;

// Only of attempts that are known. What an execution printed that retention has removed, or that a database was made to
// forget by a restore, would never be removed, and would stand in the way of whatever gets its number next.
const APPEND: Sql = Sql::same(
    "INSERT INTO log_chunk (execution_id, attempt, sequence, stream, byte_offset, at, bytes) \
     SELECT $1, $2, $3, $4, $5, $6, $7 \
     WHERE EXISTS (SELECT 1 FROM execution_attempt WHERE execution_id = $1 AND attempt = $2) ON CONFLICT DO NOTHING",
);

const READ: Sql = Sql::same(
    "SELECT attempt, sequence, stream, byte_offset, at, bytes FROM log_chunk \
     WHERE execution_id = $1 AND (attempt, sequence) > ($2, $3) ORDER BY attempt, sequence LIMIT $4",
);

/// A cursor is the place of a piece: attempt above, sequence below. The place of a row in its table was rejected,
/// because rows of two transactions need not become visible in the order in which they were numbered, and a reader
/// that follows would skip the later one for ever.
const SEQUENCE_BITS: u32 = 40;

/// The most pieces one read returns.
const MOST: u32 = 10_000;

/// Cursor of the piece with this sequence.
pub(crate) fn cursor(attempt: AttemptNumber, sequence: i64) -> i64 {
    (i64::from(attempt.0) << SEQUENCE_BITS) | (sequence + 1).clamp(0, (1 << SEQUENCE_BITS) - 1)
}

/// Attempt and sequence of the last piece that was read.
fn place(cursor: i64) -> (i64, i64) {
    let cursor = cursor.max(0);
    (cursor >> SEQUENCE_BITS, (cursor & ((1 << SEQUENCE_BITS) - 1)) - 1)
}

/// Appends pieces of attempts that are known; one that is there already stays as it is.
pub(crate) async fn append(session: &mut dyn Session, chunks: &[LogChunk]) -> Result<(), Trouble> {
    for chunk in chunks {
        let values = vec![
            chunk.execution.0.into(),
            chunk.attempt.0.into(),
            chunk.sequence.into(),
            i64::from(chunk.stream.as_number()).into(),
            i64::try_from(chunk.offset).unwrap_or(i64::MAX).into(),
            chunk.at.0.into(),
            chunk.bytes.clone().into(),
        ];
        session.run(APPEND, values).await?;
    }
    Ok(())
}

/// Pieces after a cursor, each with its own.
pub(crate) async fn read(
    session: &mut dyn Session,
    id: ExecutionId,
    after: i64,
    limit: u32,
) -> Result<Vec<(i64, LogChunk)>, Trouble> {
    let (attempt, sequence) = place(after);
    let limit = i64::from(limit.min(MOST));
    let rows = session.all(READ, vec![id.0.into(), attempt.into(), sequence.into(), limit.into()]).await?;
    let mut chunks = Vec::with_capacity(rows.len());
    for row in rows {
        let stream: i64 = row.get("stream")?;
        let chunk = LogChunk {
            execution: id,
            attempt: AttemptNumber(small(&row, "attempt")?),
            sequence: row.get("sequence")?,
            stream: i16::try_from(stream)
                .ok()
                .and_then(LogStream::from_number)
                .ok_or_else(|| corrupt("log_chunk.stream", format!("{stream} is no stream")))?,
            offset: u64::try_from(row.get::<i64>("byte_offset")?).unwrap_or(0),
            at: Timestamp(row.get("at")?),
            bytes: row.get("bytes")?,
        };
        chunks.push((cursor(chunk.attempt, chunk.sequence), chunk));
    }
    Ok(chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_says_which_piece_was_read_last() {
        assert_eq!(place(0), (0, -1));
        for (attempt, sequence) in [(1, 0), (1, 7), (3, 1 << 30)] {
            assert_eq!(place(cursor(AttemptNumber(attempt), sequence)), (i64::from(attempt), sequence));
        }
        assert!(cursor(AttemptNumber(1), 99) < cursor(AttemptNumber(2), 0));
        assert_eq!(place(-5), (0, -1));
    }
}
