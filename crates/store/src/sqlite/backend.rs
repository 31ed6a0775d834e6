//! SQLite as a [`Backend`].

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::backend::Backend;
use crate::error::StoreError;
use crate::options::OpenOptions;
use crate::session::{Session, Transact};
use crate::sql_store::SqlStore;
use crate::sqlite::connection::{Reader, Writing};
use crate::sqlite::migrations;
use crate::trouble::Trouble;
use crate::wake_bus::WakeBus;

/// The connections to one SQLite database: a single writer, because SQLite has room for one anyway and a queue in front
/// of it is fairer than busy waiting, and readers that see the last commit without waiting for the next.
#[derive(Debug, Clone)]
pub struct SqliteBackend {
    writer: SqlitePool,
    readers: SqlitePool,
}

/// How long another process may hold the file until a call gives up.
const BUSY: Duration = Duration::from_secs(10);

impl SqlStore<SqliteBackend> {
    /// Opens `sqlite:path` (created when it is missing, with its folder) or `sqlite::memory:`.
    ///
    /// A file is kept in WAL with `synchronous=FULL`: what was answered `Ok` survives a loss of power.
    ///
    /// # Errors
    /// [`StoreError::Url`] when the URL or the file cannot be used.
    pub async fn open(url: &str, options: OpenOptions) -> Result<Self, StoreError> {
        let refused = |reason: String| StoreError::Url { url: url.to_owned(), reason };
        let connect = SqliteConnectOptions::from_str(url).map_err(|error| refused(error.to_string()))?;
        let in_memory = url.contains(":memory:") || url.contains("mode=memory");
        let connect = connect.create_if_missing(true).foreign_keys(true).busy_timeout(BUSY);
        let pool = || {
            SqlitePoolOptions::new()
                .acquire_timeout(options.acquire_timeout)
                .test_before_acquire(false)
                .idle_timeout(None)
                .max_lifetime(None)
        };
        let writing = if in_memory {
            connect.clone()
        } else {
            if let Some(folder) = connect.get_filename().parent() {
                tokio::fs::create_dir_all(folder).await.map_err(|error| refused(error.to_string()))?;
            }
            connect.clone().journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full)
        };
        // Connected at once, so that a file that cannot be used is said now and WAL is on before anybody reads.
        let writer = pool()
            .max_connections(1)
            .min_connections(1)
            .connect_with(writing)
            .await
            .map_err(|error| refused(error.to_string()))?;
        let readers = if in_memory {
            // A second connection to a database in memory would wait for the first one's table locks.
            writer.clone()
        } else {
            let reading = connect.pragma("query_only", "ON");
            pool().max_connections(options.max_connections.max(2) - 1).connect_lazy_with(reading)
        };
        Ok(Self { backend: SqliteBackend { writer, readers }, wakes: WakeBus::new(), options })
    }

    /// The writer's pool, for maintenance and for tests that go around the store.
    #[must_use]
    pub fn pool(&self) -> &SqlitePool {
        &self.backend.writer
    }
}

#[async_trait]
impl Backend for SqliteBackend {
    fn kind(&self) -> &'static str {
        "sqlite"
    }

    async fn read(&self) -> Result<Box<dyn Session>, Trouble> {
        Ok(Box::new(Reader(self.readers.acquire().await?)))
    }

    async fn begin(&self) -> Result<Box<dyn Transact>, Trouble> {
        // Immediate: a transaction that reads first and writes later could otherwise fail half-way.
        Ok(Box::new(Writing(self.writer.begin_with("BEGIN IMMEDIATE").await?)))
    }

    async fn migrate(&self) -> Result<usize, StoreError> {
        migrations::run(&self.writer).await.map_err(|source| StoreError::Migrate { source })
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
