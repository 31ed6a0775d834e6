//! Executions, attempts and events as people read them.

use attune_types::{Attempt, AttemptNumber, Execution, ExecutionEvent, ExecutionId, ExecutionStatus, Timestamp};
use serde_json::{Map, Value as Json};

use crate::model::{EventPage, ExecutionFilter, ExecutionPage};
use crate::read_back::{from_word, maybe_document};
use crate::session::{Row, Session, Sql};
use crate::trouble::Trouble;
use crate::unit::{document_of, small};

macro_rules! executions {
    ($rest:literal) => {
        concat!(
            "SELECT e.id, e.action, e.status, e.outcome, e.result, e.attempts, e.available_at, e.requested_by, \
             e.requested_at, e.started_at, e.ended_at, r.parameters, r.secret_parameters, r.requirement, r.labels, \
             w.name AS worker FROM execution e JOIN execution_request r ON r.id = e.id \
             LEFT JOIN worker w ON w.id = e.worker_id ",
            $rest
        )
    };
}

const ONE: Sql = Sql::same(executions!("WHERE e.id = $1"));

// Statuses come as ',running,completed,'; the empty text stands for all of them.
const PAGE: Sql = Sql::same(executions!(
    "WHERE e.id < $1 AND ($2 = '' OR $2 LIKE '%,' || e.status || ',%') ORDER BY e.id DESC LIMIT $3"
));

const PAGE_OF_ACTION: Sql = Sql::same(executions!(
    "WHERE e.id < $1 AND ($2 = '' OR $2 LIKE '%,' || e.status || ',%') AND e.action = $4 ORDER BY e.id DESC LIMIT $3"
));

const PAGE_OF_PACK: Sql = Sql::same(executions!(
    "WHERE e.id < $1 AND ($2 = '' OR $2 LIKE '%,' || e.status || ',%') AND e.action >= $4 AND e.action < $5 \
     ORDER BY e.id DESC LIMIT $3"
));

// By the index of what tokens asked for; the reserved name of the one who owns the server has no place in it.
const PAGE_OF_OWNER: Sql = Sql::same(executions!(
    "WHERE e.id < $1 AND ($2 = '' OR $2 LIKE '%,' || e.status || ',%') AND e.requested_by = $4 \
     AND e.requested_by <> 'api' AND ($5 = '' OR e.action = $5) \
     AND ($6 = '' OR (e.action >= $6 AND e.action < $7)) ORDER BY e.id DESC LIMIT $3"
));

const ATTEMPTS: Sql = Sql::same(
    "SELECT a.attempt, a.state, a.outcome, a.resources, a.evidence, a.assigned_at, a.claimed_at, a.started_at, \
     a.ended_at, a.lease_ends_at, a.reason, a.late_outcome, w.name AS worker FROM execution_attempt a LEFT JOIN worker w ON w.id = a.worker_id \
     WHERE a.execution_id = $1 ORDER BY a.attempt",
);

const EVENTS_OF_ONE: Sql = Sql::same(
    "SELECT id, execution_id, attempt, kind, detail, at FROM execution_event \
     WHERE execution_id = $1 AND id > $2 ORDER BY id LIMIT $3",
);

// PostgreSQL numbers rows before they become visible: whoever followed all events by number alone would skip for ever
// what appears later under a smaller one. So they are followed by transaction first, and only up to the oldest one that
// is still open.
const EVENTS: Sql = Sql {
    postgres: "SELECT id, execution_id, attempt, kind, detail, at FROM execution_event \
               WHERE (written_by, id) > (coalesce((SELECT l.written_by FROM execution_event l WHERE l.id = $1), \
               '0'::xid8), $1) AND written_by < pg_snapshot_xmin(pg_current_snapshot()) \
               ORDER BY written_by, id LIMIT $2",
    sqlite: "SELECT id, execution_id, attempt, kind, detail, at FROM execution_event \
             WHERE id > $1 ORDER BY id LIMIT $2",
};

/// What stands in place of a secret.
const MASK: &str = "***";

/// The most rows one read returns.
const MOST: u32 = 1_000;

/// One execution.
pub(crate) async fn execution(session: &mut dyn Session, id: ExecutionId) -> Result<Option<Execution>, Trouble> {
    let rows = session.all(ONE, vec![id.0.into()]).await?;
    rows.first().map(execution_of).transpose()
}

/// A page of executions.
pub(crate) async fn executions(session: &mut dyn Session, filter: &ExecutionFilter) -> Result<ExecutionPage, Trouble> {
    let limit = match filter.limit {
        0 => 50,
        limit => limit.min(MOST),
    };
    let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.as_str()).collect();
    let statuses = if statuses.is_empty() { String::new() } else { format!(",{},", statuses.join(",")) };
    // One more than asked tells whether there is another page.
    let mut values =
        vec![filter.before.map_or(i64::MAX, |id| id.0).into(), statuses.into(), (i64::from(limit) + 1).into()];
    let sql = match filter.action.as_deref() {
        action if filter.requested_by.is_some() => {
            let whole = action.filter(|action| action.contains('.')).unwrap_or_default();
            let pack = action.filter(|action| !action.contains('.'));
            let bound = |sign| pack.map_or_else(String::new, |pack| format!("{pack}{sign}"));
            values.push(filter.requested_by.clone().into());
            values.extend([whole.into(), bound('.').into(), bound('/').into()]);
            PAGE_OF_OWNER
        }
        None => PAGE,
        Some(action) if action.contains('.') => {
            values.push(action.into());
            PAGE_OF_ACTION
        }
        Some(pack) => {
            // '/' follows '.', so this is everything that starts with the pack's name and a dot.
            values.extend([format!("{pack}.").into(), format!("{pack}/").into()]);
            PAGE_OF_PACK
        }
    };
    let rows = session.all(sql, values).await?;
    let mut executions = rows.iter().map(execution_of).collect::<Result<Vec<_>, _>>()?;
    let more = executions.len() > limit as usize;
    executions.truncate(limit as usize);
    let next = if more { executions.last().map(|execution| execution.id) } else { None };
    Ok(ExecutionPage { executions, next })
}

fn moment(row: &Row, column: &'static str) -> Result<Option<Timestamp>, Trouble> {
    Ok(row.get::<Option<i64>>(column)?.map(Timestamp))
}

fn execution_of(row: &Row) -> Result<Execution, Trouble> {
    let status: ExecutionStatus = from_word("execution.status", &row.get::<String>("status")?)?;
    let mut parameters: Map<String, Json> = document_of(row, "parameters")?;
    let secrets: Option<Vec<String>> =
        maybe_document("execution_request.secret_parameters", row.get("secret_parameters")?)?;
    for name in secrets.unwrap_or_default() {
        if let Some(value) = parameters.get_mut(&name) {
            *value = Json::from(MASK);
        }
    }
    Ok(Execution {
        id: ExecutionId(row.get("id")?),
        action: from_word("execution.action", &row.get::<String>("action")?)?,
        status,
        parameters,
        outcome: maybe_document("execution.outcome", row.get("outcome")?)?,
        result: maybe_document("execution.result", row.get("result")?)?,
        attempts: small(row, "attempts")?,
        requirement: document_of(row, "requirement")?,
        worker: row.get("worker")?,
        requested_by: row.get("requested_by")?,
        labels: document_of(row, "labels")?,
        requested_at: Timestamp(row.get("requested_at")?),
        started_at: moment(row, "started_at")?,
        ended_at: moment(row, "ended_at")?,
        retry_at: if status == ExecutionStatus::Retrying { moment(row, "available_at")? } else { None },
    })
}

/// The attempts of one execution.
pub(crate) async fn attempts(session: &mut dyn Session, id: ExecutionId) -> Result<Vec<Attempt>, Trouble> {
    let rows = session.all(ATTEMPTS, vec![id.0.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(Attempt {
                execution: id,
                attempt: AttemptNumber(small(row, "attempt")?),
                state: from_word("execution_attempt.state", &row.get::<String>("state")?)?,
                worker: row.get::<Option<String>>("worker")?.unwrap_or_default(),
                outcome: maybe_document("execution_attempt.outcome", row.get("outcome")?)?,
                resources: maybe_document("execution_attempt.resources", row.get("resources")?)?,
                evidence: maybe_document("execution_attempt.evidence", row.get("evidence")?)?,
                assigned_at: Timestamp(row.get("assigned_at")?),
                claimed_at: moment(row, "claimed_at")?,
                started_at: moment(row, "started_at")?,
                ended_at: moment(row, "ended_at")?,
                lease_ends_at: moment(row, "lease_ends_at")?,
                reason: row.get("reason")?,
                late_outcome: maybe_document("execution_attempt.late_outcome", row.get("late_outcome")?)?,
            })
        })
        .collect()
}

/// A page of events.
pub(crate) async fn events(
    session: &mut dyn Session,
    id: Option<ExecutionId>,
    after: i64,
    limit: u32,
) -> Result<EventPage, Trouble> {
    let limit = i64::from(limit.min(MOST));
    let rows = match id {
        Some(id) => session.all(EVENTS_OF_ONE, vec![id.0.into(), after.into(), limit.into()]).await?,
        None => session.all(EVENTS, vec![after.into(), limit.into()]).await?,
    };
    let events = rows
        .iter()
        .map(|row| {
            Ok(ExecutionEvent {
                id: row.get("id")?,
                execution: ExecutionId(row.get("execution_id")?),
                attempt: row
                    .get::<Option<i64>>("attempt")?
                    .map(|number| AttemptNumber(i32::try_from(number).unwrap_or(i32::MAX))),
                kind: row.get("kind")?,
                detail: document_of(row, "detail")?,
                at: Timestamp(row.get("at")?),
            })
        })
        .collect::<Result<Vec<_>, Trouble>>()?;
    Ok(EventPage { events })
}
