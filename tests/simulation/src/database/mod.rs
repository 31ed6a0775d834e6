//! The store as a specification that runs: the same questions and answers as `attune_store::Store`, over plain tables.
//!
//! Decisions are those of the product (`attune_store::rules`). What the product's databases do in statements (find under a
//! lock, compare and set, refuse illegal moves) is written down here a second time, as plainly as possible;
//! `tests/differential.rs` holds both to the same answers and the same rows.
//!
//! | file | holds |
//! |---|---|
//! | `rows` | the tables |
//! | `schema` | what the schema refuses, and the moves of one row |
//! | `settling` | what follows an ended attempt |
//! | `scheduling` | submit, look, assign, take back, outbox, cancel |
//! | `working` | register, beat, claim, start, complete, hand back, leave |
//! | `reaping` | the reaper's tick |

mod reaping;
mod rows;
mod scheduling;
mod schema;
mod settling;
mod working;

pub use rows::{AttemptRow, Buried, Database, ExecutionRow, OutboxRow, Refusal, Touched, WorkerRow};
