//! Functions that take any bytes, and what must hold for them.
//!
//! # Theory of operation
//!
//! A [`Target`] is a plain function of bytes that panics when something does not hold, so that any engine can call it. The
//! program `attune-fuzz` is a simple one that needs nothing but a stable compiler: it takes the examples of
//! `corpus/<target>`, changes, cuts and mixes them, and writes down what made a target panic or hang. The tests replay
//! the whole corpus, so that what was found once stays found. `make fuzz` runs every target for a while.
//!
//! It does not see which branches were taken. A guided engine finds more; it is one line away, since a target is called as
//! `fuzz_target!(|data| attune_fuzz::run("redactor", data))`.

mod engine;
mod input;
mod targets;

pub use engine::{Found, fuzz};
pub use targets::{TARGETS, Target};

use std::path::PathBuf;

/// Calls the target of this name.
///
/// # Panics
/// When something does not hold, or there is no such target.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let Some(target) = target else { panic!("no target {name}") };
    (target.run)(data);
}

/// Where the examples of a target lie.
#[must_use]
pub fn corpus(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name)
}
