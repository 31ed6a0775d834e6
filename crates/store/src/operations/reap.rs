//! One tick of the reaper.

use attune_types::{AttemptNumber, AttemptState, ExecutionId, WorkerId};

use crate::model::{ReapReport, ReaperPolicy};
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

const RETRY_DUE: Sql = Sql {
    postgres: "SELECT EXISTS (SELECT 1 FROM execution WHERE waiting AND status = 'retrying' \
               AND available_at <= $1 AND available_at > $2) AS due",
    sqlite: "SELECT EXISTS (SELECT 1 FROM execution WHERE status IN ('requested', 'retrying') AND \
             status = 'retrying' AND available_at <= $1 AND available_at > $2) AS due",
};

/// Whether leases are spared at this tick, and until when they will be.
///
/// A gap in the ticks means that the database, the host or every reaper was away, or that the clock was set: workers
/// could not renew, so their leases say nothing. A clock that was set back only makes leases longer.
fn spare(now: i64, last_tick: Option<i64>, spare_until: Option<i64>, policy: &ReaperPolicy) -> (bool, Option<i64>) {
    let gap = last_tick.is_some_and(|last| now.saturating_sub(last) > policy.gap_ms.saturating_mul(1000));
    if gap {
        return (true, Some(now.saturating_add(policy.lease_ms.saturating_mul(1000))));
    }
    // A period of grace that lies further ahead than it can last was made by a clock that has been set back since.
    let longest = now.saturating_add(policy.lease_ms.saturating_mul(1000));
    let until = spare_until.filter(|until| *until > now).map(|until| until.min(longest));
    (until.is_some(), until)
}

/// One tick.
pub(crate) async fn reap(unit: &mut Unit, policy: &ReaperPolicy) -> Result<ReapReport, Trouble> {
    let row = unit.one(LOCK_TICK, Vec::new()).await?.ok_or(sqlx::Error::RowNotFound)?;
    let last_tick: Option<i64> = row.get("last_tick_at")?;
    let now = unit.now;
    let (spared, spare_until) = spare(now, last_tick, row.get("spare_until")?, policy);
    unit.run(TICK, vec![now.into(), spare_until.into()]).await?;

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
        match attempt.state {
            AttemptState::Assigned if attempt.dispatch_deadline < now => {
                unit.supersede(&standing, number, "not claimed in time").await?;
                report.superseded.push(id);
            }
            AttemptState::Claimed | AttemptState::Running
                if attempt.lease_ends_at.is_some_and(|end| end < lease_bound) =>
            {
                let status = unit.bury(&standing, &attempt).await?;
                report.lost.push((id, number, status));
            }
            _ => {}
        }
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_gap_spares_every_lease_for_one_lease_time() {
        let policy = ReaperPolicy::default();
        let now = 1_000 * SECOND;
        for (case, last_tick, spare_until, expected) in [
            ("the first tick of all", None, None, (false, None)),
            ("regular ticks", Some(now - 2 * SECOND), None, (false, None)),
            ("exactly the gap", Some(now - 10 * SECOND), None, (false, None)),
            ("just over the gap", Some(now - 10 * SECOND - 1), None, (true, Some(now + 45 * SECOND))),
            ("within the grace", Some(now - 2 * SECOND), Some(now + SECOND), (true, Some(now + SECOND))),
            ("after the grace", Some(now - 2 * SECOND), Some(now), (false, None)),
            ("a second gap", Some(now - 60 * SECOND), Some(now - SECOND), (true, Some(now + 45 * SECOND))),
            ("clock set back", Some(now + 3600 * SECOND), None, (false, None)),
            (
                "clock set back in the grace",
                Some(now + 3600 * SECOND),
                Some(now + 3640 * SECOND),
                (true, Some(now + 45 * SECOND)),
            ),
        ] {
            assert_eq!(spare(now, last_tick, spare_until, &policy), expected, "{case}");
        }
    }
}
