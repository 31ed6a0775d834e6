//! The schema.

use std::borrow::Cow;

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqlitePool};

const TABLE: &str = "_sqlx_migrations";

/// Number, name and text of every step. What has been released never changes: a new step is added instead.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "store", include_str!("../../../../migrations/sqlite/0001_store.sql")),
    (2, "evidence", include_str!("../../../../migrations/sqlite/0002_evidence.sql")),
    (3, "artifacts", include_str!("../../../../migrations/sqlite/0003_artifacts.sql")),
    (4, "environments", include_str!("../../../../migrations/sqlite/0004_environments.sql")),
    (5, "given_back", include_str!("../../../../migrations/sqlite/0005_given_back.sql")),
    (6, "secrets", include_str!("../../../../migrations/sqlite/0006_secrets.sql")),
    (7, "access", include_str!("../../../../migrations/sqlite/0007_access.sql")),
    (9, "small_workers", include_str!("../../../../migrations/sqlite/0009_small_workers.sql")),
    (12, "outputs", include_str!("../../../../migrations/sqlite/0012_outputs.sql")),
];

fn migration(version: i64, name: &'static str, sql: &'static str) -> Migration {
    Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
}

fn migrator() -> Migrator {
    let mut migrator = Migrator::with_migrations(
        MIGRATIONS.iter().map(|(version, name, sql)| migration(*version, name, sql)).collect(),
    );
    migrator.set_ignore_missing(false);
    migrator
}

/// Runs what is missing. sqlx locks nothing on SQLite, so everything happens inside one immediate transaction: of two
/// processes that start at once, the second waits and then finds nothing to do.
pub(super) async fn run(pool: &SqlitePool) -> Result<usize, MigrateError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let connection = &mut *transaction;
    connection.ensure_migrations_table(TABLE).await?;
    let before = connection.list_applied_migrations(TABLE).await?.len();
    migrator().run_direct(None, connection, false).await?;
    let after = connection.list_applied_migrations(TABLE).await?.len();
    transaction.commit().await?;
    Ok(after - before)
}
