//! The hot path, one statement for a whole list.
//!
//! Every statement locks the executions it touches first, in the order of their ids, and goes on from what the lock
//! let it see. A row that somebody else changed while the statement waited is looked at again by PostgreSQL with the
//! same conditions, so each condition below is a fence.

use std::collections::HashMap;

use attune_types::{AttemptNumber, ExecutionId, Incarnation, LogChunk, Payload, WorkerId};
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{PgExecutor, Row, query};

use crate::model::{
    Assigned, Assignment, ClaimAnswer, ClaimRequest, Claimed, Completion, Hold, ReaperPolicy, Submitted,
};
use crate::operations::assign::Made;
use crate::operations::submit::RequestRow;
use crate::read_back::{document, to_text};
use crate::rules::{self, Circumstances, Next};
use crate::token;
use crate::trouble::Trouble;
use crate::wake_bus::Touched;

const SUBMIT: &str = "\
WITH clock AS MATERIALIZED (SELECT attune_now() AS now), \
request AS MATERIALIZED ( \
    SELECT nextval(pg_get_serial_sequence('execution', 'id')) AS id, u.* \
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], \
        $9::text[], $10::text[], $11::text[], $12::text[], $13::boolean[]) WITH ORDINALITY \
        AS u (action, requirement_key, requested_by, idempotency_key, retry_of, spec, requirement, parameters, \
              secret_parameters, labels, trace, retry, idempotent, place)), \
made AS ( \
    INSERT INTO execution (id, action, requirement_key, available_at, requested_by, idempotency_key, retry_of, \
                           requested_at) \
    SELECT r.id, r.action, r.requirement_key, c.now, r.requested_by, r.idempotency_key, r.retry_of, c.now \
    FROM request r CROSS JOIN clock c ORDER BY r.place \
    ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING RETURNING id), \
asked AS ( \
    INSERT INTO execution_request (id, spec, requirement, parameters, secret_parameters, labels, trace, retry, \
                                   idempotent) \
    SELECT r.id, r.spec, r.requirement, r.parameters, r.secret_parameters, r.labels, r.trace, r.retry, r.idempotent \
    FROM request r JOIN made m ON m.id = r.id) \
SELECT r.place, m.id FROM made m JOIN request r ON r.id = m.id";

const REPEATED: &str = "SELECT id, idempotency_key FROM execution WHERE idempotency_key = ANY($1)";

const ASSIGN: &str = "SELECT place, attempt, outbox_id, trace, occurred_at FROM attune_assign($1, $2, $3, $4, $5, $6)";

const CLAIM: &str = "\
WITH clock AS MATERIALIZED (SELECT attune_now() AS now), \
locked AS MATERIALIZED ( \
    SELECT e.id, u.attempt, u.hold = 1 OR (u.hold = 2 AND e.action = ANY($7::text[])) AS hold, u.lease_us, \
        u.token_hash, u.place \
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[]) WITH ORDINALITY \
        AS u (execution, attempt, hold, lease_us, token_hash, place) \
    JOIN execution e ON e.id = u.execution WHERE e.status = 'scheduled' \
    ORDER BY e.id, u.place FOR NO KEY UPDATE OF e), \
claimed AS ( \
    UPDATE execution_attempt a SET state = CASE WHEN l.hold THEN 'claimed' ELSE 'running' END, \
        token_hash = l.token_hash, claimed_at = c.now, started_at = CASE WHEN NOT l.hold THEN c.now END, \
        lease_ends_at = c.now + l.lease_us \
    FROM locked l CROSS JOIN clock c \
    WHERE a.execution_id = l.id AND a.attempt = l.attempt AND a.state = 'assigned' AND a.incarnation = $6 \
    RETURNING l.id, l.hold, l.place, c.now, a.sealed), \
ran AS ( \
    UPDATE execution e SET status = 'running', started_at = d.now FROM claimed d WHERE e.id = d.id AND NOT d.hold) \
SELECT d.place, d.hold, r.spec, r.parameters, r.trace, d.sealed FROM claimed d JOIN execution_request r ON r.id = d.id";

// What needs a decision (a retry policy, a cancel that was asked for) is left to the caller: only ends that are plain
// pass here.
const COMPLETE: &str = "\
WITH clock AS MATERIALIZED (SELECT attune_now() AS now), \
locked AS MATERIALIZED ( \
    SELECT e.id, u.attempt, u.token_hash, u.state, u.status, u.outcome, u.result, u.resources, u.payload, u.place, \
        u.evidence, r.trace \
    FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], \
                $9::text[], $10::boolean[], $18::text[]) WITH ORDINALITY \
        AS u (execution, attempt, token_hash, state, status, outcome, result, resources, payload, success, evidence, \
              place) \
    JOIN execution e ON e.id = u.execution JOIN execution_request r ON r.id = u.execution \
    WHERE (u.success AND e.status IN ('running', 'canceling')) \
        OR (NOT u.success AND e.status = 'running' AND e.cancel_by IS NULL AND r.retry IS NULL) \
    ORDER BY e.id, u.place FOR NO KEY UPDATE OF e), \
ended AS ( \
    UPDATE execution_attempt a SET state = l.state, ended_at = c.now, outcome = l.outcome, resources = l.resources, \
        evidence = l.evidence, lease_ends_at = NULL \
    FROM locked l CROSS JOIN clock c \
    WHERE a.execution_id = l.id AND a.attempt = l.attempt AND a.state = 'running' AND a.token_hash = l.token_hash \
    RETURNING l.id, l.attempt, l.place, l.status, l.outcome, l.result, l.payload, l.trace, c.now), \
moved AS ( \
    UPDATE execution e SET status = d.status, ended_at = d.now, outcome = d.outcome, result = d.result, \
        tries = e.tries + 1 \
    FROM ended d WHERE e.id = d.id), \
sent AS ( \
    INSERT INTO outbox (payload, trace, occurred_at, held_until) \
    SELECT d.payload, d.trace, d.now, 0 FROM ended d ORDER BY d.place), \
logged AS ( \
    INSERT INTO log_chunk (execution_id, attempt, sequence, stream, byte_offset, at, bytes) \
    SELECT g.execution, g.attempt, g.sequence, g.stream, g.byte_offset, g.at, g.bytes \
    FROM unnest($11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], \
                $17::bytea[]) AS g (execution, attempt, sequence, stream, byte_offset, at, bytes) \
    WHERE (g.execution, g.attempt) IN (SELECT d.id, d.attempt FROM ended d) ON CONFLICT DO NOTHING) \
SELECT place FROM ended";

// Only of attempts that are known, see `operations::logs`.
const APPEND: &str = "\
INSERT INTO log_chunk (execution_id, attempt, sequence, stream, byte_offset, at, bytes) \
SELECT g.* \
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[]) \
    AS g (execution, attempt, sequence, stream, byte_offset, at, bytes) \
WHERE EXISTS (SELECT 1 FROM execution_attempt a WHERE a.execution_id = g.execution AND a.attempt = g.attempt) \
ON CONFLICT DO NOTHING";

const DELETE_OUTBOX: &str = "DELETE FROM outbox WHERE id = ANY($1)";

/// Where in the list the row belongs. PostgreSQL counts from 1.
fn place(row: &PgRow) -> Result<usize, Trouble> {
    let place: i64 = row.try_get("place")?;
    Ok(usize::try_from(place - 1).unwrap_or(usize::MAX))
}

fn column<T, U>(items: &[T], of: impl Fn(&T) -> U) -> Vec<U> {
    items.iter().map(of).collect()
}

pub(super) async fn submit(pool: &PgPool, mut rows: Vec<RequestRow>) -> Result<(Vec<Submitted>, Touched), Trouble> {
    let keys: Vec<Option<String>> = column(&rows, |row| row.idempotency_key.clone());
    macro_rules! take {
        ($field:ident) => {
            rows.iter_mut().map(|row| std::mem::take(&mut row.$field)).collect::<Vec<_>>()
        };
    }
    let made = query(SUBMIT)
        .bind(take!(action))
        .bind(take!(requirement_key))
        .bind(take!(requested_by))
        .bind(&keys)
        .bind(take!(retry_of))
        .bind(take!(spec))
        .bind(take!(requirement))
        .bind(take!(parameters))
        .bind(take!(secret_parameters))
        .bind(take!(labels))
        .bind(take!(trace))
        .bind(take!(retry))
        .bind(take!(idempotent))
        .fetch_all(pool)
        .await?;
    let mut answers: Vec<Option<Submitted>> = vec![None; keys.len()];
    let mut touched = Touched { schedule: !made.is_empty(), ..Touched::default() };
    for row in &made {
        let id = ExecutionId(row.try_get("id")?);
        touched.executions.push(id);
        if let Some(answer) = answers.get_mut(place(row)?) {
            *answer = Some(Submitted { id, repeated: false });
        }
    }
    if answers.iter().any(Option::is_none) {
        // Their keys are taken, perhaps by somebody who committed while this statement ran: a second look sees them.
        let repeated: Vec<&str> = keys.iter().flatten().map(String::as_str).collect();
        let mut known = HashMap::new();
        for row in query(REPEATED).bind(&repeated).fetch_all(pool).await? {
            known.insert(row.try_get::<String, _>("idempotency_key")?, ExecutionId(row.try_get("id")?));
        }
        for (answer, key) in answers.iter_mut().zip(&keys) {
            if answer.is_none() {
                *answer = key.as_ref().and_then(|key| known.get(key)).map(|id| Submitted { id: *id, repeated: true });
            }
        }
    }
    let answers: Option<Vec<Submitted>> = answers.into_iter().collect();
    Ok((answers.ok_or(sqlx::Error::RowNotFound)?, touched))
}

pub(super) async fn assign(
    executor: impl PgExecutor<'_>,
    assignments: &[Assignment],
    policy: &ReaperPolicy,
) -> Result<(Vec<Assigned>, Touched), Trouble> {
    let rows = query(ASSIGN)
        .bind(column(assignments, |one| one.execution.0))
        .bind(column(assignments, |one| one.worker.0))
        .bind(column(assignments, |one| one.incarnation.0.to_vec()))
        .bind(column(assignments, |one| i64::from(one.most_live)))
        .bind(policy.dispatch_ms.saturating_mul(1000))
        .bind(policy.outbox_hold_ms.saturating_mul(1000))
        .fetch_all(executor)
        .await?;
    let mut touched = Touched::default();
    let mut assigned = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(assignment) = assignments.get(place(&row)?) else { continue };
        let attempt: i64 = row.try_get("attempt")?;
        let made = Made {
            execution: assignment.execution,
            attempt: AttemptNumber(i32::try_from(attempt).unwrap_or(i32::MAX)),
            worker: WorkerId(assignment.worker.0),
            incarnation: assignment.incarnation,
        };
        touched.executions.push(assignment.execution);
        assigned.push(made.assigned(row.try_get("outbox_id")?, row.try_get("occurred_at")?, row.try_get("trace")?));
    }
    Ok((assigned, touched))
}

pub(super) async fn claim(
    pool: &PgPool,
    incarnation: Incarnation,
    requests: &[ClaimRequest],
) -> Result<(Vec<ClaimAnswer>, Touched), Trouble> {
    // Requests of one moment come from one worker and name the same actions; holding one more costs one more commit.
    let named = requests.iter().filter_map(|one| match &one.hold {
        Hold::Actions(actions) => Some(actions.iter().cloned()),
        Hold::Nothing | Hold::Everything => None,
    });
    let mut actions: Vec<String> = named.flatten().collect();
    actions.sort_unstable();
    actions.dedup();
    let rows = query(CLAIM)
        .bind(column(requests, |one| one.execution.0))
        .bind(column(requests, |one| i64::from(one.attempt.0)))
        .bind(column(requests, |one| match one.hold {
            Hold::Nothing => 0_i64,
            Hold::Everything => 1,
            Hold::Actions(_) => 2,
        }))
        .bind(column(requests, |one| one.lease_ms.saturating_mul(1000)))
        .bind(column(requests, |one| token::hash(one.token).to_vec()))
        .bind(incarnation.0.to_vec())
        .bind(actions)
        .fetch_all(pool)
        .await?;
    let mut answers = vec![ClaimAnswer::Refused; requests.len()];
    let mut touched = Touched::default();
    for row in rows {
        let place = place(&row)?;
        let (Some(request), Some(answer)) = (requests.get(place), answers.get_mut(place)) else { continue };
        let held: bool = row.try_get("hold")?;
        *answer = ClaimAnswer::Granted(Box::new(Claimed {
            execution: request.execution,
            attempt: request.attempt,
            held,
            token: request.token,
            spec: document("execution_request.spec", row.try_get("spec")?)?,
            parameters: document("execution_request.parameters", row.try_get("parameters")?)?,
            trace: row.try_get("trace")?,
            sealed: row.try_get("sealed")?,
        }));
        if !held {
            touched.executions.push(request.execution);
        }
    }
    Ok((answers, touched))
}

/// Ends what ends plainly. Answers which places were applied.
pub(super) async fn complete(pool: &PgPool, completions: &[Completion]) -> Result<(Vec<bool>, Touched), Trouble> {
    let plain = completions
        .iter()
        .map(|one| {
            let circumstances = Circumstances { policy: None, idempotent: false, tries: 1, cancel_requested: false };
            match rules::next(&one.outcome, circumstances) {
                Next::End(status) => Ok(status),
                // Without a policy nothing is retried.
                Next::Retry { .. } => Err(Trouble::from(sqlx::Error::RowNotFound)),
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    let payloads = completions
        .iter()
        .zip(&plain)
        .map(|(one, status)| {
            let (execution, outcome) = (one.execution, Some(one.outcome.clone()));
            to_text(&Payload::Completed { execution, status: *status, outcome })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let outcomes = completions.iter().map(|one| to_text(&one.outcome)).collect::<Result<Vec<_>, _>>()?;
    let results =
        completions.iter().map(|one| one.result.as_ref().map(to_text).transpose()).collect::<Result<Vec<_>, _>>()?;
    let resources =
        completions.iter().map(|one| one.resources.as_ref().map(to_text).transpose()).collect::<Result<Vec<_>, _>>()?;
    let evidence =
        completions.iter().map(|one| one.evidence.as_ref().map(to_text).transpose()).collect::<Result<Vec<_>, _>>()?;
    let logs: Vec<&LogChunk> = completions.iter().flat_map(|one| &one.logs).collect();
    let statement = query(COMPLETE)
        .bind(column(completions, |one| one.execution.0))
        .bind(column(completions, |one| i64::from(one.attempt.0)))
        .bind(column(completions, |one| token::hash(one.token).to_vec()))
        .bind(column(completions, |one| one.outcome.attempt_state().as_str()))
        .bind(column(&plain, |status| status.as_str()))
        .bind(outcomes)
        .bind(results)
        .bind(resources)
        .bind(payloads)
        .bind(column(completions, |one| one.outcome.is_success()));
    let rows = with_logs(statement, &logs).bind(evidence).fetch_all(pool).await?;
    let mut applied = vec![false; completions.len()];
    let mut touched = Touched { schedule: !rows.is_empty(), outbox: !rows.is_empty(), ..Touched::default() };
    for row in rows {
        let place = place(&row)?;
        if let (Some(applied), Some(completion)) = (applied.get_mut(place), completions.get(place)) {
            *applied = true;
            touched.executions.push(completion.execution);
        }
    }
    Ok((applied, touched))
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn with_logs<'q>(statement: Query<'q>, logs: &[&LogChunk]) -> Query<'q> {
    statement
        .bind(column(logs, |chunk| chunk.execution.0))
        .bind(column(logs, |chunk| i64::from(chunk.attempt.0)))
        .bind(column(logs, |chunk| chunk.sequence))
        .bind(column(logs, |chunk| i64::from(chunk.stream.as_number())))
        .bind(column(logs, |chunk| i64::try_from(chunk.offset).unwrap_or(i64::MAX)))
        .bind(column(logs, |chunk| chunk.at.0))
        .bind(column(logs, |chunk| chunk.bytes.clone()))
}

pub(super) async fn append_logs(pool: &PgPool, chunks: &[LogChunk]) -> Result<(), Trouble> {
    let chunks: Vec<&LogChunk> = chunks.iter().collect();
    with_logs(query(APPEND), &chunks).execute(pool).await?;
    Ok(())
}

pub(super) async fn delete_outbox(pool: &PgPool, ids: &[i64]) -> Result<(), Trouble> {
    query(DELETE_OUTBOX).bind(ids).execute(pool).await?;
    Ok(())
}
