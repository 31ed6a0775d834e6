//! The source of truth: PostgreSQL and SQLite behind one trait.

mod error;
mod group_commit;
mod model;
mod open;
mod options;
mod store;

pub use error::StoreError;
pub use group_commit::{GroupCommit, GroupCommitError};
pub use model::*;
pub use open::open;
pub use options::OpenOptions;
pub use store::Store;
