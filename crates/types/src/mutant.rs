//! Known faults that can be switched on, to prove that the proofs would notice them.
//!
//! Nothing of this exists in an ordinary build: the module and every place that asks it are compiled only with
//! `--cfg attune_mutants`, which `scripts/with-mutants` sets for the crates of this workspace and nobody else does.

use std::sync::{LazyLock, PoisonError, RwLock};

/// The environment variable that names the fault of this process.
pub const VARIABLE: &str = "ATTUNE_MUTANT";

static CHOSEN: LazyLock<RwLock<Option<String>>> = LazyLock::new(|| RwLock::new(std::env::var(VARIABLE).ok()));

/// Whether this process has the fault `name`.
#[must_use]
pub fn is(name: &str) -> bool {
    CHOSEN.read().unwrap_or_else(PoisonError::into_inner).as_deref() == Some(name)
}

/// Gives this process another fault, or none.
pub fn choose(name: Option<&str>) {
    *CHOSEN.write().unwrap_or_else(PoisonError::into_inner) = name.map(str::to_owned);
}
