//! Workers that come and go.

use attune_types::{AttemptNumber, AttemptState, ExecutionId, Incarnation, WorkerId, WorkerStatus};

use crate::model::{Registered, Registration};
use crate::operations::take_back::supersede_unclaimed;
use crate::read_back::{sixteen, storable, to_text};
use crate::session::Sql;
use crate::trouble::Trouble;
use crate::unit::{Unit, small};

const LOCK_WORKER: Sql = Sql {
    postgres: "SELECT id, incarnation FROM worker WHERE name = $1 FOR NO KEY UPDATE",
    sqlite: "SELECT id, incarnation FROM worker WHERE name = $1",
};

// Registers the name first, so that two registrations of a new name meet at its row.
const MAKE_WORKER: Sql = Sql {
    postgres: "INSERT INTO worker (name, worker_type, host, status, incarnation, capabilities, registered_at, \
               last_beat_at) VALUES ($1, $2, $3, 'active', $4, CAST($5 AS jsonb), $6, $6) \
               ON CONFLICT (name) DO NOTHING",
    sqlite: "INSERT INTO worker (name, worker_type, host, status, incarnation, capabilities, registered_at, \
             last_beat_at) VALUES ($1, $2, $3, 'active', $4, $5, $6, $6) ON CONFLICT (name) DO NOTHING",
};

// A life that says once more what it can do goes on as it was: draining, or leaving. Its beats say when that changes.
const RENEW_WORKER: Sql = Sql {
    postgres: "UPDATE worker SET worker_type = $2, host = $3, \
               status = CASE WHEN incarnation = $4 THEN status ELSE 'active' END, \
               drain = drain AND incarnation = $4, \
               registered_at = CASE WHEN incarnation = $4 THEN registered_at ELSE $6 END, incarnation = $4, \
               capabilities = CAST($5 AS jsonb), last_beat_at = $6 WHERE id = $1",
    sqlite: "UPDATE worker SET worker_type = $2, host = $3, \
             status = CASE WHEN incarnation = $4 THEN status ELSE 'active' END, \
             drain = drain AND incarnation = $4, \
             registered_at = CASE WHEN incarnation = $4 THEN registered_at ELSE $6 END, incarnation = $4, \
             capabilities = $5, last_beat_at = $6 WHERE id = $1",
};

const FORGET_VERSIONS: Sql = Sql::same("DELETE FROM runtime_version WHERE worker_id = $1");

const NOTE_VERSION: Sql =
    Sql::same("INSERT INTO runtime_version (worker_id, runtime, version) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");

const EARLIER: Sql = Sql::same(
    "SELECT execution_id, attempt FROM execution_attempt WHERE live AND worker_id = $1 AND incarnation <> $2 \
     ORDER BY execution_id",
);

const LEAVE: Sql = Sql::same("UPDATE worker SET status = 'inactive', drain = FALSE WHERE id = $1 AND incarnation = $2");

const UNCLAIMED: Sql = Sql::same(
    "SELECT execution_id, attempt FROM execution_attempt \
     WHERE live AND worker_id = $1 AND incarnation = $2 AND state = 'assigned'",
);

const SET_DRAIN: Sql = Sql::same(
    "UPDATE worker SET drain = $2, status = CASE WHEN status IN ('active', 'draining') THEN $3 ELSE status END \
     WHERE name = $1",
);

/// Gives a worker its name, and settles what an earlier life of the name left behind.
pub(crate) async fn register(unit: &mut Unit, registration: &Registration) -> Result<Registered, Trouble> {
    let name = storable(&registration.name);
    let incarnation = registration.incarnation.0;
    let (worker_type, host) = (storable(&registration.worker_type), storable(&registration.host));
    let capabilities = to_text(&registration.capabilities)?;
    let values = vec![
        name.as_str().into(),
        worker_type.as_str().into(),
        host.as_str().into(),
        incarnation.into(),
        capabilities.as_str().into(),
        unit.now.into(),
    ];
    unit.run(MAKE_WORKER, values).await?;
    let row = unit.one(LOCK_WORKER, vec![name.into()]).await?.ok_or(sqlx::Error::RowNotFound)?;
    let id = WorkerId(row.get("id")?);
    let before = Incarnation(sixteen("worker.incarnation", &row.get::<Vec<u8>>("incarnation")?)?);
    let values =
        vec![id.0.into(), worker_type.into(), host.into(), incarnation.into(), capabilities.into(), unit.now.into()];
    unit.run(RENEW_WORKER, values).await?;
    unit.run(FORGET_VERSIONS, vec![id.0.into()]).await?;
    for (runtime, versions) in &registration.capabilities.runtime_versions {
        for version in versions {
            let values = vec![id.0.into(), storable(runtime).into(), storable(version).into()];
            unit.run(NOTE_VERSION, values).await?;
        }
    }
    let mut settled = Vec::new();
    for row in unit.all(EARLIER, vec![id.0.into(), incarnation.into()]).await? {
        let execution = ExecutionId(row.get("execution_id")?);
        let number = AttemptNumber(small(&row, "attempt")?);
        let Some(standing) = unit.lock(execution).await? else { continue };
        let Some(attempt) = unit.attempt(execution, number).await? else { continue };
        if attempt.state == AttemptState::Assigned {
            // Only the earlier life could have claimed it, and from now on it cannot: no evidence is needed.
            unit.supersede(&standing, number, "its worker was replaced before it claimed it").await?;
        } else if attempt.state.is_live() && registration.previous_is_dead {
            unit.bury(&standing, &attempt).await?;
        } else {
            continue;
        }
        settled.push((execution, number));
    }
    unit.touched.schedule = true;
    Ok(Registered { id, replaced: (before != registration.incarnation).then_some(before), settled })
}

/// Marks a worker as left.
pub(crate) async fn deregister(unit: &mut Unit, id: WorkerId, incarnation: Incarnation) -> Result<(), Trouble> {
    if unit.run(LEAVE, vec![id.0.into(), incarnation.0.into()]).await? == 0 {
        return Ok(());
    }
    let mut unclaimed = Vec::new();
    for row in unit.all(UNCLAIMED, vec![id.0.into(), incarnation.0.into()]).await? {
        unclaimed.push((ExecutionId(row.get("execution_id")?), AttemptNumber(small(&row, "attempt")?)));
    }
    supersede_unclaimed(unit, unclaimed, "its worker left").await?;
    Ok(())
}

/// Asks a worker to drain, or to take work again.
pub(crate) async fn set_status(unit: &mut Unit, name: &str, status: WorkerStatus) -> Result<bool, Trouble> {
    let drain = status == WorkerStatus::Draining;
    let word = if drain { WorkerStatus::Draining } else { WorkerStatus::Active };
    let found = unit.run(SET_DRAIN, vec![storable(name).into(), drain.into(), word.as_str().into()]).await? > 0;
    unit.touched.schedule |= found && !drain;
    Ok(found)
}
