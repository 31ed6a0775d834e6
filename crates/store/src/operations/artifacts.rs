//! Files that attempts left behind.

use attune_types::{Artifact, AttemptNumber, ExecutionId, Timestamp};

use crate::read_back::corrupt;
use crate::session::{Row, Session, Sql};
use crate::trouble::Trouble;
use crate::unit::{Unit, small};

const PUT: Sql = Sql::same(
    "INSERT INTO artifact (execution_id, attempt, path, sha256, size_bytes, stored_at, worker, location) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (execution_id, attempt, path) DO UPDATE SET \
     sha256 = excluded.sha256, size_bytes = excluded.size_bytes, stored_at = excluded.stored_at, \
     worker = excluded.worker, location = excluded.location",
);

const READ: Sql = Sql::same(
    "SELECT execution_id, attempt, path, sha256, size_bytes, stored_at, worker, location FROM artifact \
     WHERE execution_id = $1 AND expired_at IS NULL ORDER BY attempt, path LIMIT $2",
);

const READ_EXPIRED: Sql = Sql::same(
    "SELECT execution_id, attempt, path, sha256, size_bytes, stored_at, worker, location FROM artifact \
     WHERE expired_at IS NOT NULL AND (worker = $1 OR (CAST($2 AS TEXT) <> '' \
     AND substr(location, 1, length(CAST($2 AS TEXT))) = CAST($2 AS TEXT))) ORDER BY id LIMIT $3",
);

const FORGET: Sql =
    Sql::same("DELETE FROM artifact WHERE execution_id = $1 AND attempt = $2 AND path = $3 AND expired_at IS NOT NULL");

/// The most artifacts that one read returns.
const MOST: i64 = 100_000;

/// Notes files; one that was noted before is replaced.
pub(crate) async fn put(unit: &mut Unit, artifacts: &[Artifact]) -> Result<(), Trouble> {
    for artifact in artifacts {
        let values = vec![
            artifact.execution.0.into(),
            artifact.attempt.0.into(),
            artifact.path.as_str().into(),
            from_hexadecimal(&artifact.sha256)?.into(),
            i64::try_from(artifact.size_bytes).unwrap_or(i64::MAX).into(),
            unit.now.into(),
            artifact.worker.as_str().into(),
            artifact.location.as_str().into(),
        ];
        unit.run(PUT, values).await?;
    }
    Ok(())
}

/// The artifacts of one execution whose time is not up.
pub(crate) async fn read(session: &mut dyn Session, id: ExecutionId) -> Result<Vec<Artifact>, Trouble> {
    session.all(READ, vec![id.0.into(), MOST.into()]).await?.iter().map(artifact).collect()
}

/// Artifacts whose time is up: those of a worker, and those whose location begins with `place`.
pub(crate) async fn read_expired(
    session: &mut dyn Session,
    worker: &str,
    place: &str,
    limit: u32,
) -> Result<Vec<Artifact>, Trouble> {
    let values = vec![worker.into(), place.into(), i64::from(limit).into()];
    session.all(READ_EXPIRED, values).await?.iter().map(artifact).collect()
}

/// Removes rows of artifacts whose content is gone.
pub(crate) async fn forget(unit: &mut Unit, artifacts: &[Artifact]) -> Result<(), Trouble> {
    for artifact in artifacts {
        let values = vec![artifact.execution.0.into(), artifact.attempt.0.into(), artifact.path.as_str().into()];
        unit.run(FORGET, values).await?;
    }
    Ok(())
}

fn artifact(row: &Row) -> Result<Artifact, Trouble> {
    Ok(Artifact {
        execution: ExecutionId(row.get("execution_id")?),
        attempt: AttemptNumber(small(row, "attempt")?),
        path: row.get("path")?,
        size_bytes: u64::try_from(row.get::<i64>("size_bytes")?).unwrap_or(0),
        sha256: row.get::<Vec<u8>>("sha256")?.iter().map(|byte| format!("{byte:02x}")).collect(),
        worker: row.get("worker")?,
        location: row.get("location")?,
        stored_at: Timestamp(row.get("stored_at")?),
    })
}

fn from_hexadecimal(text: &str) -> Result<Vec<u8>, Trouble> {
    let digits = text.as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    bytes.filter(|bytes| bytes.len() == 32).ok_or_else(|| corrupt("artifact.sha256", format!("{text:?} is no SHA-256")))
}
