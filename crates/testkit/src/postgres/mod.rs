//! PostgreSQL for tests.

mod database;
mod server;

pub use database::TestDatabase;
pub use server::{Durability, PostgresServer};
