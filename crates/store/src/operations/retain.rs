//! Removes what has been kept long enough, a few executions at a time.
//!
//! Executions are looked at by number, which is the order in which they were requested: no index has to be kept up to
//! date for it while executions live.

use attune_types::ExecutionId;

use crate::model::{Retained, RetentionPolicy};
use crate::session::Sql;
use crate::trouble::Trouble;
use crate::unit::Unit;

const NEXT: Sql = Sql::same(
    "SELECT max(id) AS last_id, min(requested_at) AS oldest FROM \
     (SELECT id, requested_at FROM execution WHERE id > $1 ORDER BY id LIMIT $2) AS batch",
);

macro_rules! ended {
    ($before:literal) => {
        concat!(
            "(SELECT id FROM execution WHERE id > $1 AND id <= $2 AND status IN \
             ('completed', 'failed', 'timeout', 'cancelled', 'abandoned') AND coalesce(ended_at, requested_at) < ",
            $before,
            ")"
        )
    };
}

const DROP_LOGS: Sql = Sql::same(concat!(
    "DELETE FROM log_chunk WHERE execution_id > $1 AND execution_id <= $2 AND execution_id IN ",
    ended!("$3")
));

const EXPIRE_ARTIFACTS: Sql = Sql::same(concat!(
    "UPDATE artifact SET expired_at = $4 WHERE expired_at IS NULL \
     AND execution_id > $1 AND execution_id <= $2 AND execution_id IN ",
    ended!("$3")
));

// Nobody came for the content: its worker is gone for good, or the bucket is.
const ABANDON_ARTIFACTS: Sql = Sql::same(
    "DELETE FROM artifact WHERE execution_id > $1 AND execution_id <= $2 AND expired_at IS NOT NULL AND expired_at < $3",
);

// An execution goes when no file of it is left; until then its row says whose the files are.
const DROP_EXECUTIONS: Sql = Sql::same(concat!(
    "DELETE FROM execution WHERE id IN ",
    ended!("$3"),
    " AND NOT EXISTS (SELECT 1 FROM artifact a WHERE a.execution_id = execution.id)"
));

macro_rules! orphans {
    ($table:literal, $id:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE ",
            $id,
            " > $1 AND ",
            $id,
            " <= $2 AND NOT EXISTS (SELECT 1 FROM execution e WHERE e.id = ",
            $table,
            ".",
            $id,
            ")"
        )
    };
}

/// After the executions themselves: the history of one that is there can only grow.
const DROP_REST: [Sql; 5] = [
    Sql::same(orphans!("execution_request", "id")),
    Sql::same(orphans!("execution_attempt", "execution_id")),
    Sql::same(orphans!("execution_event", "execution_id")),
    Sql::same(orphans!("log_chunk", "execution_id")),
    Sql::same(orphans!("secret", "execution_id")),
];

/// Looks at the executions that follow `after`.
pub(crate) async fn retain(unit: &mut Unit, policy: &RetentionPolicy, after: ExecutionId) -> Result<Retained, Trouble> {
    let mut retained = Retained::default();
    let before = |kept: Option<i64>| kept.map(|kept| unit.now.saturating_sub(kept.saturating_mul(1000)));
    let (logs, artifacts, executions) =
        (before(policy.logs_ms), before(policy.artifacts_ms), before(policy.executions_ms));
    let Some(latest) = logs.max(artifacts).max(executions) else { return Ok(retained) };
    let Some(row) = unit.one(NEXT, vec![after.0.into(), i64::from(policy.batch.max(1)).into()]).await? else {
        return Ok(retained);
    };
    let (last, oldest): (Option<i64>, Option<i64>) = (row.get("last_id")?, row.get("oldest")?);
    let (Some(last), Some(oldest)) = (last, oldest) else { return Ok(retained) };
    if oldest >= latest {
        return Ok(retained);
    }
    retained.next = Some(ExecutionId(last));
    let now = unit.now;
    if let Some(before) = logs {
        retained.logs = unit.run(DROP_LOGS, vec![after.0.into(), last.into(), before.into()]).await?;
    }
    if let Some(before) = artifacts.max(executions) {
        let values = vec![after.0.into(), last.into(), before.into(), now.into()];
        retained.artifacts = unit.run(EXPIRE_ARTIFACTS, values).await?;
        let abandoned = now.saturating_sub(policy.abandon_ms.saturating_mul(1000));
        unit.run(ABANDON_ARTIFACTS, vec![after.0.into(), last.into(), abandoned.into()]).await?;
    }
    if let Some(before) = executions {
        retained.executions = unit.run(DROP_EXECUTIONS, vec![after.0.into(), last.into(), before.into()]).await?;
        if retained.executions > 0 {
            for statement in DROP_REST {
                unit.run(statement, vec![after.0.into(), last.into()]).await?;
            }
        }
    }
    Ok(retained)
}
