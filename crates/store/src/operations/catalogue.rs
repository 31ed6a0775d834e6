//! Packs, actions and runtimes.

use attune_types::{ActionRef, ActionSpec, PackSpec, RuntimeSpec};

use crate::model::PackContents;
use crate::read_back::to_text;
use crate::session::{Session, Sql};
use crate::trouble::Trouble;
use crate::unit::{Unit, document_of};

const PUT_PACK: Sql = Sql::same(
    "INSERT INTO pack (ref, version, document, stored_at) VALUES ($1, $2, $3, $4) ON CONFLICT (ref) DO UPDATE SET \
     version = excluded.version, document = excluded.document, stored_at = excluded.stored_at",
);

const FORGET_ACTIONS: Sql = Sql::same("DELETE FROM action WHERE pack_ref = $1");

const FORGET_RUNTIMES: Sql = Sql::same("DELETE FROM runtime WHERE pack_ref = $1");

const PUT_ACTION: Sql = Sql::same(
    "INSERT INTO action (ref, pack_ref, document) VALUES ($1, $2, $3) \
     ON CONFLICT (ref) DO UPDATE SET pack_ref = excluded.pack_ref, document = excluded.document",
);

const PUT_RUNTIME: Sql = Sql::same(
    "INSERT INTO runtime (ref, name, pack_ref, document, auto_detected) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (ref) DO UPDATE SET name = excluded.name, pack_ref = excluded.pack_ref, \
     document = excluded.document, auto_detected = excluded.auto_detected",
);

const FIND_RUNTIME: Sql = Sql {
    postgres: "INSERT INTO runtime (ref, name, document, auto_detected, detection_config) \
               SELECT $1, $2, $3, TRUE, CAST($4 AS jsonb) WHERE NOT EXISTS (SELECT 1 FROM runtime WHERE name = $2) \
               ON CONFLICT (ref) DO NOTHING",
    sqlite: "INSERT INTO runtime (ref, name, document, auto_detected, detection_config) \
             SELECT $1, $2, $3, TRUE, $4 WHERE NOT EXISTS (SELECT 1 FROM runtime WHERE name = $2) \
             ON CONFLICT (ref) DO NOTHING",
};

const FORGET_FOUND_RUNTIME: Sql = Sql::same("DELETE FROM runtime WHERE name = $1 AND auto_detected");

const REMOVE_PACK: Sql = Sql::same("DELETE FROM pack WHERE ref = $1");

const PACKS: Sql = Sql::same("SELECT document FROM pack ORDER BY ref");

const ACTIONS: Sql = Sql::same("SELECT document FROM action ORDER BY ref");

const ACTIONS_OF_PACK: Sql = Sql::same("SELECT document FROM action WHERE pack_ref = $1 ORDER BY ref");

const ACTION: Sql = Sql::same("SELECT document FROM action WHERE ref = $1");

const RUNTIMES: Sql = Sql::same("SELECT document FROM runtime ORDER BY name, ref");

/// Stores a pack in place of what it held before.
pub(crate) async fn put_pack(unit: &mut Unit, contents: &PackContents) -> Result<(), Trouble> {
    let pack = &contents.pack.pack_ref;
    let values = vec![
        pack.as_str().into(),
        contents.pack.version.as_str().into(),
        to_text(&contents.pack)?.into(),
        unit.now.into(),
    ];
    unit.run(PUT_PACK, values).await?;
    unit.run(FORGET_ACTIONS, vec![pack.as_str().into()]).await?;
    unit.run(FORGET_RUNTIMES, vec![pack.as_str().into()]).await?;
    for action in &contents.actions {
        let values = vec![action.action_ref.to_string().into(), pack.as_str().into(), to_text(action)?.into()];
        unit.run(PUT_ACTION, values).await?;
    }
    // A template becomes a runtime when a worker finds its interpreter. What is declared takes the place of what was found.
    for runtime in contents.runtimes.iter().filter(|runtime| !runtime.template) {
        unit.run(FORGET_FOUND_RUNTIME, vec![runtime.name.as_str().into()]).await?;
        let values = vec![
            runtime.runtime_ref.as_str().into(),
            runtime.name.as_str().into(),
            pack.as_str().into(),
            to_text(runtime)?.into(),
            runtime.auto_detected.into(),
        ];
        unit.run(PUT_RUNTIME, values).await?;
    }
    Ok(())
}

/// Removes a pack with its actions and runtimes.
pub(crate) async fn remove_pack(unit: &mut Unit, pack: &str) -> Result<bool, Trouble> {
    unit.run(FORGET_ACTIONS, vec![pack.into()]).await?;
    unit.run(FORGET_RUNTIMES, vec![pack.into()]).await?;
    Ok(unit.run(REMOVE_PACK, vec![pack.into()]).await? > 0)
}

/// Notes a runtime that a worker found, unless one of that name or reference is there.
pub(crate) async fn find_runtime(
    unit: &mut Unit,
    runtime: &RuntimeSpec,
    detection: &serde_json::Value,
) -> Result<(), Trouble> {
    let found = RuntimeSpec { auto_detected: true, ..runtime.clone() };
    let values = vec![
        found.runtime_ref.as_str().into(),
        found.name.as_str().into(),
        to_text(&found)?.into(),
        to_text(detection)?.into(),
    ];
    unit.run(FIND_RUNTIME, values).await?;
    Ok(())
}

async fn documents<T: serde::de::DeserializeOwned>(
    session: &mut dyn Session,
    sql: Sql,
    values: Vec<crate::session::Value>,
) -> Result<Vec<T>, Trouble> {
    session.all(sql, values).await?.iter().map(|row| document_of(row, "document")).collect()
}

/// All packs by name.
pub(crate) async fn packs(session: &mut dyn Session) -> Result<Vec<PackSpec>, Trouble> {
    documents(session, PACKS, Vec::new()).await
}

/// All actions by reference.
pub(crate) async fn actions(session: &mut dyn Session, pack: Option<&str>) -> Result<Vec<ActionSpec>, Trouble> {
    match pack {
        Some(pack) => documents(session, ACTIONS_OF_PACK, vec![pack.into()]).await,
        None => documents(session, ACTIONS, Vec::new()).await,
    }
}

/// One action.
pub(crate) async fn action(session: &mut dyn Session, action: &ActionRef) -> Result<Option<ActionSpec>, Trouble> {
    Ok(documents(session, ACTION, vec![action.to_string().into()]).await?.into_iter().next())
}

/// All runtimes by name.
pub(crate) async fn runtimes(session: &mut dyn Session) -> Result<Vec<RuntimeSpec>, Trouble> {
    documents(session, RUNTIMES, Vec::new()).await
}
