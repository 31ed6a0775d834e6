//! SQLite: one writer, readers beside it, everything in one file or in memory.

mod backend;
mod connection;
mod migrations;

pub use backend::SqliteBackend;
