//! PostgreSQL 14 and later: statements over whole lists, wake-ups by `NOTIFY`.

mod backend;
mod bulk;
mod bulk_access;
mod connection;
mod listener;
mod migrations;
mod pool;
mod sealed;
mod single;
pub(crate) mod trust;

pub use backend::PostgresBackend;
