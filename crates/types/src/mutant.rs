//! Known faults that can be switched on, to prove that the proofs would notice them.
//!
//! Nothing of this exists in an ordinary build: the module and every place that asks it are compiled only with
//! `--cfg attune_mutants`, which `cargo xtask mutants` sets for the crates of this workspace and nobody else does.

use std::sync::OnceLock;

/// The environment variable that names the fault of this process.
pub const VARIABLE: &str = "ATTUNE_MUTANT";

/// Whether this process has the fault `name`.
#[must_use]
pub fn is(name: &str) -> bool {
    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var(VARIABLE).ok()).as_deref() == Some(name)
}
