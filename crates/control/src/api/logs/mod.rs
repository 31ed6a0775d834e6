//! Reading the output of executions.

mod entry;
mod follow;
mod lines;
mod read;
mod sse;

pub(crate) use read::read;
