//! The schema.

use std::borrow::Cow;

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{PgPool, SqlSafeStr};

const TABLE: &str = "_sqlx_migrations";

fn migrator() -> Migrator {
    Migrator::with_migrations(vec![Migration::new(
        1,
        Cow::Borrowed("store"),
        MigrationType::Simple,
        include_str!("../../../../migrations/postgres/0001_store.sql").into_sql_str(),
        false,
    )])
}

/// Runs what is missing, under an advisory lock: of two processes that start at once, the second waits and then finds
/// nothing to do.
pub(super) async fn run(pool: &PgPool) -> Result<usize, MigrateError> {
    let mut connection = pool.acquire().await?;
    // A migration of large tables may take its time.
    sqlx::query("SET statement_timeout = 0").execute(&mut *connection).await?;
    connection.lock().await?;
    let migrated = run_locked(&mut connection).await;
    connection.unlock().await?;
    // Its settings differ from those of every other connection.
    connection.close().await?;
    migrated
}

async fn run_locked(connection: &mut sqlx::PgConnection) -> Result<usize, MigrateError> {
    connection.ensure_migrations_table(TABLE).await?;
    let before = connection.list_applied_migrations(TABLE).await?.len();
    let mut migrator = migrator();
    migrator.set_locking(false);
    migrator.run_direct(None, connection, false).await?;
    let after = connection.list_applied_migrations(TABLE).await?.len();
    Ok(after - before)
}
