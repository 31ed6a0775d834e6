//! Taking back what a worker has not claimed.

use attune_types::{AttemptNumber, AttemptState, ExecutionId, WorkerId};

use crate::session::Sql;
use crate::trouble::Trouble;
use crate::unit::Unit;

const UNCLAIMED: Sql = Sql::same(
    "SELECT execution_id, attempt FROM execution_attempt WHERE live AND worker_id = $1 AND state = 'assigned' \
     ORDER BY assigned_at DESC, execution_id DESC LIMIT $2",
);

/// Supersedes up to `at_most` unclaimed attempts of a worker, newest first.
pub(crate) async fn take_back(unit: &mut Unit, worker: WorkerId, at_most: u32) -> Result<Vec<ExecutionId>, Trouble> {
    let rows = unit.all(UNCLAIMED, vec![worker.0.into(), i64::from(at_most).into()]).await?;
    let mut unclaimed = Vec::with_capacity(rows.len());
    for row in &rows {
        unclaimed.push((ExecutionId(row.get("execution_id")?), AttemptNumber(crate::unit::small(row, "attempt")?)));
    }
    supersede_unclaimed(unit, unclaimed, "taken back for a worker with free slots").await
}

/// Supersedes those of the candidates that are still assigned. The candidates were read without a lock, so each is
/// looked at again under it.
pub(crate) async fn supersede_unclaimed(
    unit: &mut Unit,
    mut candidates: Vec<(ExecutionId, AttemptNumber)>,
    reason: &str,
) -> Result<Vec<ExecutionId>, Trouble> {
    candidates.sort_unstable();
    let mut taken = Vec::with_capacity(candidates.len());
    for (id, number) in candidates {
        let Some(standing) = unit.lock(id).await? else { continue };
        let still = unit.attempt(id, number).await?.is_some_and(|attempt| attempt.state == AttemptState::Assigned);
        if still {
            unit.supersede(&standing, number, reason).await?;
            taken.push(id);
        }
    }
    Ok(taken)
}
