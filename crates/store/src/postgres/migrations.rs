//! The schema.

use std::borrow::Cow;

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{PgPool, SqlSafeStr};

const TABLE: &str = "_sqlx_migrations";

/// Number, name and text of every step. What has been released never changes: a new step is added instead.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "store", include_str!("../../../../migrations/postgres/0001_store.sql")),
    (2, "evidence", include_str!("../../../../migrations/postgres/0002_evidence.sql")),
    (3, "artifacts", include_str!("../../../../migrations/postgres/0003_artifacts.sql")),
    (4, "environments", include_str!("../../../../migrations/postgres/0004_environments.sql")),
    (5, "given_back", include_str!("../../../../migrations/postgres/0005_given_back.sql")),
    (6, "secrets", include_str!("../../../../migrations/postgres/0006_secrets.sql")),
    (7, "access", include_str!("../../../../migrations/postgres/0007_access.sql")),
    (9, "small_workers", include_str!("../../../../migrations/postgres/0009_small_workers.sql")),
    (12, "outputs", include_str!("../../../../migrations/postgres/0012_outputs.sql")),
];

fn migration(version: i64, name: &'static str, sql: &'static str) -> Migration {
    Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
}

fn migrator() -> Migrator {
    Migrator::with_migrations(MIGRATIONS.iter().map(|(version, name, sql)| migration(*version, name, sql)).collect())
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
    forget_foreign_transactions(connection).await?;
    let after = connection.list_applied_migrations(TABLE).await?.len();
    Ok(after - before)
}

/// Events remember the transaction that wrote them. After a restore from a logical dump those numbers belong to another
/// server and may lie in the future of this one, which would hide the events from whoever follows them: they are
/// forgotten then. Changing the type rewrites the column past the trigger that forbids updates.
async fn forget_foreign_transactions(connection: &mut sqlx::PgConnection) -> Result<(), MigrateError> {
    let foreign: bool = sqlx::query_scalar(
        "SELECT coalesce((SELECT written_by FROM execution_event ORDER BY written_by DESC LIMIT 1) \
         > pg_current_xact_id(), FALSE)",
    )
    .fetch_one(&mut *connection)
    .await?;
    if foreign {
        sqlx::query("ALTER TABLE execution_event ALTER COLUMN written_by TYPE xid8 USING '0'::xid8")
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
