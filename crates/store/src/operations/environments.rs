//! Environments as workers told about them last.

use attune_types::{Environment, Timestamp, WorkerId};

use crate::read_back::{from_word, storable};
use crate::session::{Row, Session, Sql};
use crate::trouble::Trouble;
use crate::unit::Unit;

const PUT: Sql = Sql::same(
    "INSERT INTO environment (worker_id, pack_ref, runtime, fingerprint, state, interpreter, directory, size_bytes, \
     took_ms, step, log, changed_at) \
     SELECT id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM worker WHERE id = $1 \
     ON CONFLICT (worker_id, pack_ref, runtime, fingerprint) DO UPDATE SET state = excluded.state, \
     interpreter = excluded.interpreter, directory = excluded.directory, \
     size_bytes = coalesce(excluded.size_bytes, environment.size_bytes), \
     took_ms = coalesce(excluded.took_ms, environment.took_ms), \
     step = excluded.step, log = excluded.log, changed_at = excluded.changed_at",
);

// What was made, or failed, for what the pack asked for before.
const REPLACE: Sql = Sql::same(
    "DELETE FROM environment WHERE worker_id = $1 AND pack_ref = $2 AND runtime = $3 AND interpreter = $4 \
     AND fingerprint <> $5",
);

const READ: Sql = Sql::same(
    "SELECT w.name, e.pack_ref, e.runtime, e.fingerprint, e.state, e.interpreter, e.directory, e.size_bytes, e.took_ms, \
     e.step, e.log, e.changed_at FROM environment e JOIN worker w ON w.id = e.worker_id \
     ORDER BY e.pack_ref, e.runtime, w.name, e.changed_at LIMIT $1",
);

const FORGET: Sql = Sql::same("DELETE FROM environment WHERE worker_id = $1 AND fingerprint = $2");

/// The most environments that one read returns.
const MOST: i64 = 10_000;

/// Notes what a worker tells; a worker that is not known any more says nothing.
pub(crate) async fn put(unit: &mut Unit, worker: WorkerId, environments: &[Environment]) -> Result<(), Trouble> {
    let number = |number: Option<u64>| number.map(|number| i64::try_from(number).unwrap_or(i64::MAX));
    for environment in environments {
        let values = vec![
            worker.0.into(),
            environment.pack.as_str().into(),
            environment.runtime.as_str().into(),
            storable(&environment.interpreter).into(),
            environment.fingerprint.as_str().into(),
        ];
        unit.run(REPLACE, values).await?;
        let values = vec![
            worker.0.into(),
            environment.pack.as_str().into(),
            environment.runtime.as_str().into(),
            environment.fingerprint.as_str().into(),
            environment.state.as_str().into(),
            storable(&environment.interpreter).into(),
            storable(&environment.directory).into(),
            number(environment.size_bytes).into(),
            number(environment.took_ms).into(),
            storable(&environment.step).into(),
            storable(&environment.log).into(),
            unit.now.into(),
        ];
        unit.run(PUT, values).await?;
    }
    Ok(())
}

/// All of them, by pack, runtime and worker.
pub(crate) async fn read(session: &mut dyn Session) -> Result<Vec<Environment>, Trouble> {
    session.all(READ, vec![MOST.into()]).await?.iter().map(environment).collect()
}

/// Forgets those that a worker does not have any more.
pub(crate) async fn forget(unit: &mut Unit, worker: WorkerId, fingerprints: &[String]) -> Result<(), Trouble> {
    for fingerprint in fingerprints {
        unit.run(FORGET, vec![worker.0.into(), fingerprint.as_str().into()]).await?;
    }
    Ok(())
}

fn environment(row: &Row) -> Result<Environment, Trouble> {
    let number = |column| -> Result<Option<u64>, Trouble> {
        Ok(row.get::<Option<i64>>(column)?.and_then(|number| u64::try_from(number).ok()))
    };
    Ok(Environment {
        worker: row.get("name")?,
        pack: row.get("pack_ref")?,
        runtime: row.get("runtime")?,
        fingerprint: row.get("fingerprint")?,
        state: from_word("environment.state", &row.get::<String>("state")?)?,
        interpreter: row.get("interpreter")?,
        directory: row.get("directory")?,
        size_bytes: number("size_bytes")?,
        took_ms: number("took_ms")?,
        step: row.get("step")?,
        log: row.get("log")?,
        changed_at: Timestamp(row.get("changed_at")?),
    })
}
