//! One tick of the reaper.

use attune_types::{AttemptNumber, ExecutionId, WorkerId};

use crate::model::{ReapReport, ReaperPolicy};
use crate::rules::{self, Overdue};
use crate::session::Sql;
use crate::trouble::Trouble;
use crate::unit::{Unit, small};

const LOCK_TICK: Sql = Sql {
    postgres: "SELECT last_tick_at, spare_until FROM reaper WHERE one = 1 FOR UPDATE",
    sqlite: "SELECT last_tick_at, spare_until FROM reaper WHERE one = 1",
};

const TICK: Sql = Sql::same("UPDATE reaper SET last_tick_at = $1, spare_until = $2 WHERE one = 1");

const FALL_SILENT: Sql = Sql::same(
    "UPDATE worker SET status = 'unreachable' WHERE status IN ('active', 'draining') AND last_beat_at < $1 \
     RETURNING id",
);

const OVERDUE: Sql = Sql::same(
    "SELECT execution_id, attempt FROM execution_attempt WHERE live AND (\
         (state = 'assigned' AND dispatch_deadline < $1) OR (state <> 'assigned' AND lease_ends_at < $2)) \
     ORDER BY execution_id",
);

const PULL_WORKERS: Sql = Sql::same("UPDATE worker SET last_beat_at = $1 WHERE last_beat_at > $1");

// What waits keeps its order, and a pause between tries its length. What is assigned may go back to its old place.
const PULL_WAITING: Sql = Sql::same(
    "UPDATE execution SET available_at = CASE WHEN status <> 'retrying' AND available_at - $2 > $1 THEN $1 \
     ELSE available_at - $2 END WHERE status IN ('requested', 'retrying', 'scheduled') AND available_at > $1",
);

const PULL_LEASES: Sql = Sql::same("UPDATE execution_attempt SET lease_ends_at = $1 WHERE live AND lease_ends_at > $1");

const PULL_DEADLINES: Sql = Sql::same(
    "UPDATE execution_attempt SET dispatch_deadline = $1 WHERE live AND state = 'assigned' AND dispatch_deadline > $1",
);

const PULL_OUTBOX: Sql = Sql::same("UPDATE outbox SET held_until = $1 WHERE held_until > $2");

const RETRY_DUE: Sql = Sql {
    postgres: "SELECT EXISTS (SELECT 1 FROM execution WHERE waiting AND status = 'retrying' \
               AND available_at <= $1 AND available_at > $2) AS due",
    sqlite: "SELECT EXISTS (SELECT 1 FROM execution WHERE status IN ('requested', 'retrying') AND \
             status = 'retrying' AND available_at <= $1 AND available_at > $2) AS due",
};

/// Pulls back what was written by a clock that has been set back since: nothing may wait, and nobody may look alive, until
/// that clock is where it was.
async fn pull_back(unit: &mut Unit, by: i64, policy: &ReaperPolicy) -> Result<(), Trouble> {
    let now = unit.now;
    let ahead = |millis: i64| now.saturating_add(millis.saturating_mul(1000));
    unit.run(PULL_WORKERS, vec![now.into()]).await?;
    unit.run(PULL_WAITING, vec![now.into(), by.into()]).await?;
    unit.run(PULL_LEASES, vec![ahead(policy.lease_ms).into()]).await?;
    unit.run(PULL_DEADLINES, vec![ahead(policy.dispatch_ms).into()]).await?;
    unit.run(PULL_OUTBOX, vec![now.into(), ahead(policy.outbox_hold_ms).into()]).await?;
    unit.touched.schedule = true;
    unit.touched.outbox = true;
    Ok(())
}

/// One tick.
pub(crate) async fn reap(unit: &mut Unit, policy: &ReaperPolicy) -> Result<ReapReport, Trouble> {
    let row = unit.one(LOCK_TICK, Vec::new()).await?.ok_or(sqlx::Error::RowNotFound)?;
    let last_tick: Option<i64> = row.get("last_tick_at")?;
    let now = unit.now;
    let (spared, spare_until) = rules::spare(now, last_tick, row.get("spare_until")?, policy);
    unit.run(TICK, vec![now.into(), spare_until.into()]).await?;
    if let Some(by) = rules::set_back(now, last_tick) {
        pull_back(unit, by, policy).await?;
    }

    // A retry that became due since the last tick: only a hint, the queue itself is ordered by time.
    let since = last_tick.unwrap_or(0).min(now);
    let due = unit.one(RETRY_DUE, vec![now.into(), since.into()]).await?;
    if due.map(|row| row.get::<bool>("due")).transpose()?.unwrap_or(false) {
        unit.touched.schedule = true;
    }
    let mut report = ReapReport { spared, ..ReapReport::default() };
    if spared {
        return Ok(report);
    }

    let silent_since = now.saturating_sub(policy.unreachable_ms.saturating_mul(1000));
    for row in unit.all(FALL_SILENT, vec![silent_since.into()]).await? {
        report.unreachable.push(WorkerId(row.get("id")?));
    }

    let lease_bound = now.saturating_sub(policy.lease_slack_ms.saturating_mul(1000));
    for row in unit.all(OVERDUE, vec![now.into(), lease_bound.into()]).await? {
        let id = ExecutionId(row.get("execution_id")?);
        let number = AttemptNumber(small(&row, "attempt")?);
        let Some(standing) = unit.lock(id).await? else { continue };
        // Read again under the lock: it may have been renewed, claimed or ended meanwhile.
        let Some(attempt) = unit.attempt(id, number).await? else { continue };
        match rules::overdue(attempt.state, attempt.dispatch_deadline, attempt.lease_ends_at, now, policy) {
            Overdue::Unclaimed => {
                unit.supersede(&standing, number, "not claimed in time").await?;
                report.superseded.push(id);
            }
            Overdue::Lost => {
                let status = unit.bury(&standing, &attempt).await?;
                report.lost.push((id, number, status));
            }
            Overdue::No => {}
        }
    }
    Ok(report)
}
