//! The source of truth: PostgreSQL and SQLite behind one trait.
//!
//! # Theory of operation
//!
//! [`Store`] is everything the rest of Attune may ask of a database; [`open()`] makes one from a URL. Each method is one
//! transaction: it happens whole or not at all, and what was answered `Ok` survives a crash of everything.
//!
//! What the protocol promises is kept at three depths. The **schema** (`migrations/`) refuses what must never be, even
//! to a person with a SQL prompt: illegal moves of executions and attempts, any change of a terminal execution, a second
//! live attempt, a used idempotency key, an edited event; and it writes the history itself. The **fences** are the
//! conditions of each statement: incarnation, attempt, hashed token and live state, compared and set at once, so that of
//! any number of schedulers, workers and reapers exactly one gets its way. The **decisions** (what follows an ended
//! attempt, whether leases count after a gap, who may still do what) are pure functions with tables of tests: [`rules`].
//!
//! The operations are written once, over `Session` and `Unit`, for both databases. SQLite runs them as they are, one
//! statement after the other inside one immediate transaction of its single writer. For PostgreSQL the hot path (submit,
//! assign, claim, complete) is one statement over a whole list. Locks are always taken in the order workers,
//! executions, attempts, each by id, so that nobody waits in a circle.
//!
//! Slots are counted, never kept: a worker's live attempts are found through a partial index, after its row was locked.
//! Time is the database's alone ([`SqlStore::set_clock_offset`] moves it for simulations). Only ids and hashes of tokens
//! are stored; secrets and secret parameters are ciphertexts
//! that the database has no key to ([`SecretStore`]), and parameters marked secret are masked in every read.
//!
//! Waiting is done by [`Wake`]s: hints that are sent after a commit, directly inside a process and through `NOTIFY`
//! between processes. They may be lost; whoever listens also looks by itself now and then.
//!
//! Failures come in two kinds. [`StoreError::is_passing`] means that the same call may succeed later: nobody answered,
//! the server is starting, full, a replica, or two transactions collided; the connection is then checked before it is
//! used again. Everything else is a fault of the call. [`GroupCommit`] turns many single calls into few.

mod access;
mod admission;
mod api_token;
mod audit;
mod backend;
mod error;
mod group_commit;
mod model;
mod open;
mod operations;
mod options;
mod postgres;
mod queue_depth;
mod read_back;
pub mod rules;
mod secret_store;
mod session;
mod sql_admission;
mod sql_secrets;
mod sql_store;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod token;
mod trouble;
mod unit;
mod wake_bus;

pub use access::{Enrolment, ExecutionToken, NewToken, TokenKind, TokenRecord, TokenStanding};
pub use admission::Admission;
pub use api_token::ApiToken;
pub use audit::{AuditEntry, AuditNote, AuditVerdict};
pub use error::StoreError;
pub use group_commit::{GroupCommit, GroupCommitError};
pub use model::*;
pub use open::open;
pub use options::OpenOptions;
pub use postgres::PostgresBackend;
pub use queue_depth::QueueDepth;
pub use secret_store::{
    ParameterMove, ParameterSeal, SealedAssignment, SealedExecution, SealedParameters, SecretNeed, SecretStore,
    StoredEnvelope, StoredSecret,
};
pub use sql_store::SqlStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteBackend;
pub use store::Store;
pub use token::fresh as fresh_token;

/// A [`Store`] in a SQLite file or in memory.
#[cfg(feature = "sqlite")]
pub type SqliteStore = SqlStore<SqliteBackend>;

/// A [`Store`] in PostgreSQL.
pub type PostgresStore = SqlStore<PostgresBackend>;
