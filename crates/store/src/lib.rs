//! The source of truth: PostgreSQL and SQLite behind one trait.

mod backend;
mod error;
mod group_commit;
mod model;
mod open;
mod operations;
mod options;
mod postgres;
mod read_back;
mod retry;
mod session;
mod sql_store;
mod sqlite;
mod store;
mod token;
mod trouble;
mod unit;
mod wake_bus;

pub use error::StoreError;
pub use group_commit::{GroupCommit, GroupCommitError};
pub use model::*;
pub use open::open;
pub use options::OpenOptions;
pub use postgres::PostgresBackend;
pub use sql_store::SqlStore;
pub use sqlite::SqliteBackend;
pub use store::Store;

/// A [`Store`] in a SQLite file or in memory.
pub type SqliteStore = SqlStore<SqliteBackend>;

/// A [`Store`] in PostgreSQL.
pub type PostgresStore = SqlStore<PostgresBackend>;
