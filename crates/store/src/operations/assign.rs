//! Assigning, one after the other inside one transaction, and the message that tells the worker.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use attune_types::{AttemptNumber, Envelope, ExecutionId, Incarnation, Payload, Timestamp, WorkerId};

use crate::model::{Assigned, Assignment, OutboxMessage, ReaperPolicy};
use crate::operations::outbox::message_id;
use crate::read_back::to_text;
use crate::session::Sql;
use crate::trouble::Trouble;
use crate::unit::{Unit, small};

const WORKER: Sql = Sql::same(
    "SELECT w.incarnation, w.status, \
     (SELECT count(*) FROM execution_attempt a WHERE a.live AND a.worker_id = w.id) AS live \
     FROM worker w WHERE w.id = $1",
);

// Compare and set: whoever comes second finds nothing to take.
const TAKE: Sql = Sql::same(
    "UPDATE execution SET status = 'scheduled', attempts = attempts + 1, worker_id = $2 \
     WHERE id = $1 AND status IN ('requested', 'retrying') AND available_at <= $3 RETURNING attempts",
);

const ATTEMPT: Sql = Sql::same(
    "INSERT INTO execution_attempt (execution_id, attempt, worker_id, incarnation, assigned_at, dispatch_deadline) \
     VALUES ($1, $2, $3, $4, $5, $6)",
);

const SEND: Sql = Sql::same(
    "INSERT INTO outbox (payload, trace, occurred_at, held_until) \
     VALUES ($1, (SELECT trace FROM execution_request WHERE id = $2), $3, $4) RETURNING id, trace",
);

struct Room {
    incarnation: Vec<u8>,
    active: bool,
    live: i64,
}

/// Assigns what still waits to workers that still have room.
pub(crate) async fn assign(
    unit: &mut Unit,
    assignments: &[Assignment],
    policy: &ReaperPolicy,
) -> Result<Vec<Assigned>, Trouble> {
    let now = unit.now;
    let mut rooms: HashMap<WorkerId, Room> = HashMap::new();
    let mut assigned = Vec::with_capacity(assignments.len());
    for assignment in assignments {
        let worker = assignment.worker;
        let room = match rooms.entry(worker) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let Some(row) = unit.one(WORKER, vec![worker.0.into()]).await? else { continue };
                let active = row.get::<String>("status")? == "active";
                unknown.insert(Room { incarnation: row.get("incarnation")?, active, live: row.get("live")? })
            }
        };
        if !room.active || room.incarnation != assignment.incarnation.0 || room.live >= i64::from(assignment.most_live)
        {
            continue;
        }
        let id = assignment.execution;
        let Some(row) = unit.one(TAKE, vec![id.0.into(), worker.0.into(), now.into()]).await? else { continue };
        let attempt = AttemptNumber(small(&row, "attempts")?);
        let deadline = now.saturating_add(policy.dispatch_ms.saturating_mul(1000));
        let values = vec![
            id.0.into(),
            attempt.0.into(),
            worker.0.into(),
            assignment.incarnation.0.into(),
            now.into(),
            deadline.into(),
        ];
        unit.run(ATTEMPT, values).await?;
        room.live += 1;
        let payload = Payload::Scheduled { execution: id, attempt, worker, incarnation: assignment.incarnation };
        let held = now.saturating_add(policy.outbox_hold_ms.saturating_mul(1000));
        let values = vec![to_text(&payload)?.into(), id.0.into(), now.into(), held.into()];
        let row = unit.one(SEND, values).await?.ok_or(sqlx::Error::RowNotFound)?;
        let made = Made { execution: id, attempt, worker, incarnation: assignment.incarnation };
        assigned.push(made.assigned(row.get("id")?, now, row.get("trace")?));
        unit.touched.executions.push(id);
    }
    Ok(assigned)
}

/// An assignment that was made.
pub(crate) struct Made {
    pub(crate) execution: ExecutionId,
    pub(crate) attempt: AttemptNumber,
    pub(crate) worker: WorkerId,
    pub(crate) incarnation: Incarnation,
}

impl Made {
    /// The answer, with the message that the outbox row stands for.
    pub(crate) fn assigned(self, outbox: i64, now: i64, trace: Option<String>) -> Assigned {
        let Self { execution, attempt, worker, incarnation } = self;
        let payload = Payload::Scheduled { execution, attempt, worker, incarnation };
        let envelope = Envelope {
            version: Envelope::VERSION,
            message_id: message_id(outbox, &payload),
            occurred_at: Timestamp(now),
            trace,
            payload,
        };
        Assigned { execution, attempt, worker, message: OutboxMessage { id: outbox, envelope } }
    }
}
