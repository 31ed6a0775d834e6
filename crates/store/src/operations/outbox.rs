//! Messages that wait to be published.

use attune_types::{Envelope, Payload, Timestamp};

use crate::model::OutboxMessage;
use crate::read_back::document;
use crate::session::{Session, Sql};
use crate::trouble::Trouble;
use crate::unit::Unit;

const TAKE: Sql = Sql {
    postgres: "WITH free AS (SELECT id FROM outbox WHERE held_until <= $1 ORDER BY id LIMIT $2 \
               FOR UPDATE SKIP LOCKED) \
               UPDATE outbox o SET held_until = $3 FROM free WHERE o.id = free.id \
               RETURNING o.id, o.payload, o.trace, o.occurred_at",
    sqlite: "UPDATE outbox SET held_until = $3 WHERE id IN \
             (SELECT id FROM outbox WHERE held_until <= $1 ORDER BY id LIMIT $2) \
             RETURNING id, payload, trace, occurred_at",
};

const DELETE: Sql = Sql {
    postgres: "DELETE FROM outbox WHERE id = ANY(CAST('{' || $1 || '}' AS bigint[]))",
    sqlite: "DELETE FROM outbox WHERE id IN (SELECT value FROM json_each('[' || $1 || ']'))",
};

/// The id of a message: the same whenever it is sent again, and different for every outbox row.
pub(crate) fn message_id(outbox: i64, payload: &Payload) -> String {
    match payload {
        Payload::Scheduled { execution, attempt, .. } => format!("{}/{execution}/{attempt}", payload.message_type()),
        // One per execution, so that whoever sees it twice can tell.
        Payload::Completed { execution, .. } => format!("{}/{execution}", payload.message_type()),
        Payload::Cancel { execution, .. } | Payload::StatusChanged { execution, .. } => {
            format!("{}/{execution}/{outbox}", payload.message_type())
        }
    }
}

/// The message of a row.
pub(crate) fn message(
    id: i64,
    payload: &str,
    trace: Option<String>,
    occurred_at: i64,
) -> Result<OutboxMessage, Trouble> {
    let payload: Payload = document("outbox.payload", payload)?;
    let (version, message_id) = (Envelope::VERSION, message_id(id, &payload));
    let envelope = Envelope { version, message_id, occurred_at: Timestamp(occurred_at), trace, payload };
    Ok(OutboxMessage { id, envelope })
}

/// Takes what nobody holds, oldest first.
pub(crate) async fn take(unit: &mut Unit, limit: u32, hold_ms: i64) -> Result<Vec<OutboxMessage>, Trouble> {
    let until = unit.now.saturating_add(hold_ms.saturating_mul(1000));
    let rows = unit.all(TAKE, vec![unit.now.into(), i64::from(limit).into(), until.into()]).await?;
    let mut messages = Vec::with_capacity(rows.len());
    for row in rows {
        let payload: String = row.get("payload")?;
        messages.push(message(row.get("id")?, &payload, row.get("trace")?, row.get("occurred_at")?)?);
    }
    // RETURNING promises no order.
    messages.sort_unstable_by_key(|message| message.id);
    Ok(messages)
}

/// Deletes what was confirmed and routed.
pub(crate) async fn delete(session: &mut dyn Session, ids: &[i64]) -> Result<(), Trouble> {
    let list: Vec<String> = ids.iter().map(i64::to_string).collect();
    session.run(DELETE, vec![list.join(",").into()]).await?;
    Ok(())
}
