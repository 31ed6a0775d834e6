//! A guard: the process that starts one action at a time and outlives everything the action starts.
//!
//! Single-threaded, without a runtime. Its decisions are made by [`machine`], which knows no process; [`serve()`] acts.

mod guarded;
pub(crate) mod machine;
mod serve;
mod start;
pub(crate) mod tree;

pub(crate) use serve::serve;
