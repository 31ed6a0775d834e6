//! What the protocol decides, as functions of plain data.
//!
//! Nothing here knows a database, a clock or a process. The operations read the facts under a lock, ask here, and write
//! what they are told; a simulation asks the same functions about a modelled world. PostgreSQL's statements over whole
//! lists repeat the plain cases of [`claim()`] and [`complete()`] in SQL and leave the rest to these; one conformance suite
//! holds both databases to the same answers.

mod beat;
mod fenced;
mod reap;
mod retry;

pub use beat::{LiveAttempt, beat};
pub use fenced::{
    ClaimVerdict, CompleteVerdict, Facts, HandBackVerdict, StartVerdict, claim, complete, hand_back, start,
};
pub use reap::{Overdue, overdue, set_back, spare};
pub use retry::{Circumstances, Next, is_poison, next};
