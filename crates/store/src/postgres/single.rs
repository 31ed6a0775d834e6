//! What happens again and again for one party, as one statement each: beats, and looks at the outbox.

use attune_types::{AttemptNumber, ExecutionId};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row, query};

use crate::model::{Beat, BeatReply, OutboxMessage};
use crate::operations::outbox;
use crate::read_back::from_word;
use crate::rules::{self, LiveAttempt};
use crate::trouble::Trouble;

// Never waits: an attempt that somebody else has locked is being settled, or is renewed by the next beat.
const BEAT: &str = "\
WITH clock AS MATERIALIZED (SELECT attune_now() AS now), \
beaten AS ( \
    UPDATE worker w SET last_beat_at = c.now, status = CASE WHEN w.drain OR $3 THEN 'draining' ELSE 'active' END \
    FROM clock c WHERE w.id = $1 AND w.incarnation = $2 RETURNING w.drain), \
held AS MATERIALIZED ( \
    SELECT a.execution_id, a.attempt FROM execution_attempt a \
    JOIN unnest($4::bigint[], $5::bigint[]) AS h (execution, attempt) \
        ON a.execution_id = h.execution AND a.attempt = h.attempt \
    WHERE a.live AND a.worker_id = $1 AND a.incarnation = $2 AND a.state <> 'assigned' \
        AND EXISTS (SELECT 1 FROM beaten) \
    FOR NO KEY UPDATE OF a SKIP LOCKED), \
renewed AS ( \
    UPDATE execution_attempt a SET lease_ends_at = c.now + $6 FROM held h CROSS JOIN clock c \
    WHERE a.execution_id = h.execution_id AND a.attempt = h.attempt) \
SELECT b.drain, a.execution_id, a.attempt, a.state, e.status, e.cancel_by FROM beaten b \
LEFT JOIN execution_attempt a ON a.live AND a.worker_id = $1 AND a.incarnation = $2 \
LEFT JOIN execution e ON e.id = a.execution_id ORDER BY a.execution_id";

const TAKE_OUTBOX: &str = "\
WITH clock AS MATERIALIZED (SELECT attune_now() AS now), \
free AS MATERIALIZED ( \
    SELECT o.id FROM outbox o WHERE o.held_until <= (SELECT now FROM clock) ORDER BY o.id LIMIT $1 \
    FOR UPDATE SKIP LOCKED) \
UPDATE outbox o SET held_until = c.now + $2 FROM free f CROSS JOIN clock c WHERE o.id = f.id \
RETURNING o.id, o.payload, o.trace, o.occurred_at";

/// See [`crate::Store::beat`].
pub(super) async fn beat(pool: &PgPool, beat: &Beat) -> Result<BeatReply, Trouble> {
    let rows = query(BEAT)
        .bind(beat.worker.0)
        .bind(beat.incarnation.0.to_vec())
        .bind(beat.refuses_work)
        .bind(beat.holding.iter().map(|(execution, _)| execution.0).collect::<Vec<i64>>())
        .bind(beat.holding.iter().map(|(_, attempt)| i64::from(attempt.0)).collect::<Vec<i64>>())
        .bind(beat.lease_ms.saturating_mul(1000))
        .fetch_all(pool)
        .await?;
    let Some(first) = rows.first() else {
        return Ok(BeatReply { replaced: true, superseded: beat.holding.clone(), ..BeatReply::default() });
    };
    let drain = first.try_get("drain")?;
    let live = rows.iter().filter_map(|row| live_attempt(row).transpose()).collect::<Result<Vec<_>, _>>()?;
    Ok(rules::beat(&beat.holding, drain, live).0)
}

/// The attempt of a row; a worker without any has one row that names none.
fn live_attempt(row: &PgRow) -> Result<Option<LiveAttempt>, Trouble> {
    let Some(execution) = row.try_get::<Option<i64>, _>("execution_id")? else { return Ok(None) };
    Ok(Some(LiveAttempt {
        execution: ExecutionId(execution),
        attempt: AttemptNumber(i32::try_from(row.try_get::<i64, _>("attempt")?).unwrap_or(i32::MAX)),
        state: from_word("execution_attempt.state", row.try_get("state")?)?,
        status: from_word("execution.status", row.try_get("status")?)?,
        cancel_by: row.try_get("cancel_by")?,
    }))
}

/// See [`crate::Store::take_outbox`].
pub(super) async fn take_outbox(pool: &PgPool, limit: u32, hold_ms: i64) -> Result<Vec<OutboxMessage>, Trouble> {
    let rows = query(TAKE_OUTBOX).bind(i64::from(limit)).bind(hold_ms.saturating_mul(1000)).fetch_all(pool).await?;
    let mut messages = Vec::with_capacity(rows.len());
    for row in rows {
        let payload: &str = row.try_get("payload")?;
        messages.push(outbox::message(
            row.try_get("id")?,
            payload,
            row.try_get("trace")?,
            row.try_get("occurred_at")?,
        )?);
    }
    // RETURNING promises no order.
    messages.sort_unstable_by_key(|message| message.id);
    Ok(messages)
}
