//! The schema.

use std::borrow::Cow;

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqlitePool};

const TABLE: &str = "_sqlx_migrations";

fn migrator() -> Migrator {
    let mut migrator = Migrator::with_migrations(vec![Migration::new(
        1,
        Cow::Borrowed("store"),
        MigrationType::Simple,
        include_str!("../../../../migrations/sqlite/0001_store.sql").into_sql_str(),
        false,
    )]);
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
