//! Heartbeats.

use attune_types::{AttemptNumber, ExecutionId};

use crate::model::{Beat, BeatReply};
use crate::read_back::from_word;
use crate::rules::{self, LiveAttempt};
use crate::session::Sql;
use crate::trouble::Trouble;
use crate::unit::{Unit, small};

const BEAT: Sql = Sql::same(
    "UPDATE worker SET last_beat_at = $3, status = CASE WHEN drain OR $4 THEN 'draining' ELSE 'active' END \
     WHERE id = $1 AND incarnation = $2 RETURNING drain",
);

const LIVE: Sql = Sql::same(
    "SELECT a.execution_id, a.attempt, a.state, e.status, e.cancel_by \
     FROM execution_attempt a JOIN execution e ON e.id = a.execution_id \
     WHERE a.live AND a.worker_id = $1 AND a.incarnation = $2 ORDER BY a.execution_id",
);

// On PostgreSQL a beat is one statement of its own.
const RENEW: Sql = Sql {
    postgres: "UPDATE execution_attempt SET lease_ends_at = $4 WHERE (execution_id, attempt) IN (\
                   SELECT execution_id, attempt FROM execution_attempt \
                   WHERE live AND worker_id = $1 AND incarnation = $2 AND state <> 'assigned' \
                   AND execution_id = ANY(CAST('{' || $3 || '}' AS bigint[])) FOR NO KEY UPDATE SKIP LOCKED)",
    sqlite: "UPDATE execution_attempt SET lease_ends_at = $4 WHERE live AND worker_id = $1 AND incarnation = $2 \
             AND state <> 'assigned' AND execution_id IN (SELECT value FROM json_each('[' || $3 || ']'))",
};

/// Renews the leases of what a worker says it holds, and tells it what it must know.
pub(crate) async fn beat(unit: &mut Unit, beat: &Beat) -> Result<BeatReply, Trouble> {
    let (worker, incarnation) = (beat.worker.0, beat.incarnation.0);
    let now = unit.now;
    let Some(row) =
        unit.one(BEAT, vec![worker.into(), incarnation.into(), now.into(), beat.refuses_work.into()]).await?
    else {
        return Ok(BeatReply { replaced: true, superseded: beat.holding.clone(), ..BeatReply::default() });
    };
    let mut live = Vec::new();
    let drain = row.get("drain")?;
    for row in unit.all(LIVE, vec![worker.into(), incarnation.into()]).await? {
        live.push(LiveAttempt {
            execution: ExecutionId(row.get("execution_id")?),
            attempt: AttemptNumber(small(&row, "attempt")?),
            state: from_word("execution_attempt.state", &row.get::<String>("state")?)?,
            status: from_word("execution.status", &row.get::<String>("status")?)?,
            cancel_by: row.get("cancel_by")?,
        });
    }
    let (reply, renewed) = rules::beat(&beat.holding, drain, live);
    if !renewed.is_empty() {
        let renewed: Vec<String> = renewed.iter().map(|(execution, _)| execution.to_string()).collect();
        let lease_ends_at = now.saturating_add(beat.lease_ms.saturating_mul(1000));
        let values = vec![worker.into(), incarnation.into(), renewed.join(",").into(), lease_ends_at.into()];
        unit.run(RENEW, values).await?;
    }
    Ok(reply)
}
