//! The source of truth: PostgreSQL and SQLite behind one trait.

mod error;
mod model;
mod store;

pub use error::StoreError;
pub use model::*;
pub use store::Store;
