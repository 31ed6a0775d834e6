//! What schedulers and people see of queue and workers.

use std::collections::HashMap;

use attune_types::{ExecutionId, Incarnation, Requirement, Timestamp, Worker, WorkerId};

use crate::model::{Placeable, PlacementView, Waiting};
use crate::read_back::{document, from_word, sixteen, to_text};
use crate::session::{Row, Session, Sql};
use crate::trouble::Trouble;
use crate::unit::document_of;

// The queue is read per requirement, so that a million executions that nobody can run hide none that somebody can:
// the recursive part hops from one key to the next through the index of what waits.
const WAITING: Sql = Sql {
    postgres: "WITH RECURSIVE clock AS (SELECT attune_now() AS now), \
        keys (key) AS (\
            (SELECT min(requirement_key) FROM execution WHERE waiting) \
            UNION ALL \
            SELECT (SELECT min(e.requirement_key) FROM execution e WHERE e.waiting AND e.requirement_key > k.key) \
            FROM keys k WHERE k.key IS NOT NULL) \
        SELECT w.id, w.requirement_key, r.requirement FROM keys k CROSS JOIN clock c CROSS JOIN LATERAL (\
            SELECT e.id, e.requirement_key, e.available_at FROM execution e \
            WHERE e.waiting AND e.requirement_key = k.key AND e.available_at <= c.now \
            ORDER BY e.requirement_key, e.available_at, e.id LIMIT $1) w \
        JOIN execution_request r ON r.id = w.id \
        WHERE k.key IS NOT NULL AND k.key NOT IN (SELECT jsonb_array_elements_text(CAST($2 AS jsonb))) \
        ORDER BY w.available_at, w.id LIMIT $1",
    sqlite: "SELECT e.id, e.requirement_key, r.requirement FROM execution e \
        JOIN execution_request r ON r.id = e.id \
        WHERE e.status IN ('requested', 'retrying') AND e.available_at <= (SELECT now FROM clock) \
        AND e.requirement_key NOT IN (SELECT value FROM json_each($2)) \
        ORDER BY e.available_at, e.id LIMIT $1",
};

const WORKERS: Sql = Sql::same(
    "SELECT w.id, w.name, w.worker_type, w.host, w.status, w.incarnation, \
     CAST(w.capabilities AS text) AS capabilities, w.registered_at, w.last_beat_at, \
     count(a.execution_id) AS live, count(CASE WHEN a.state = 'assigned' THEN 1 END) AS unclaimed \
     FROM worker w LEFT JOIN execution_attempt a ON a.live AND a.worker_id = w.id \
     GROUP BY w.id ORDER BY w.name",
);

/// What waits and who is there.
pub(crate) async fn placement(
    session: &mut dyn Session,
    limit: u32,
    skip: &[String],
) -> Result<PlacementView, Trouble> {
    let rows = session.all(WAITING, vec![i64::from(limit).into(), to_text(skip)?.into()]).await?;
    // Many executions share one requirement: it is read once.
    let mut requirements: HashMap<String, Requirement> = HashMap::new();
    let mut waiting = Vec::with_capacity(rows.len());
    for row in rows {
        let requirement_key: String = row.get("requirement_key")?;
        let requirement = match requirements.get(&requirement_key) {
            Some(known) => known.clone(),
            None => {
                let read: Requirement = document("execution_request.requirement", &row.get::<String>("requirement")?)?;
                requirements.insert(requirement_key.clone(), read.clone());
                read
            }
        };
        waiting.push(Waiting { execution: ExecutionId(row.get("id")?), requirement, requirement_key });
    }
    let mut workers = Vec::new();
    for row in session.all(WORKERS, Vec::new()).await? {
        let (worker, unclaimed) = worker(&row)?;
        if worker.status == attune_types::WorkerStatus::Inactive {
            continue;
        }
        workers.push(Placeable {
            worker: worker.id,
            name: worker.name,
            incarnation: worker.incarnation,
            capabilities: worker.capabilities,
            status: worker.status,
            live: worker.slots_used,
            unclaimed,
        });
    }
    Ok(PlacementView { waiting, workers })
}

/// All workers by name.
pub(crate) async fn workers(session: &mut dyn Session) -> Result<Vec<Worker>, Trouble> {
    let rows = session.all(WORKERS, Vec::new()).await?;
    rows.iter().map(|row| worker(row).map(|(worker, _)| worker)).collect()
}

fn worker(row: &Row) -> Result<(Worker, u32), Trouble> {
    let count = |column| -> Result<u32, Trouble> { Ok(u32::try_from(row.get::<i64>(column)?).unwrap_or(u32::MAX)) };
    let worker = Worker {
        id: WorkerId(row.get("id")?),
        name: row.get("name")?,
        worker_type: row.get("worker_type")?,
        host: row.get("host")?,
        status: from_word("worker.status", &row.get::<String>("status")?)?,
        incarnation: Incarnation(sixteen("worker.incarnation", &row.get::<Vec<u8>>("incarnation")?)?),
        capabilities: document_of(row, "capabilities")?,
        slots_used: count("live")?,
        registered_at: Timestamp(row.get("registered_at")?),
        last_beat_at: Timestamp(row.get("last_beat_at")?),
    };
    Ok((worker, count("unclaimed")?))
}
