//! Known faults that can be switched on, to prove that the proofs would notice them; see `attune_types::mutant`, which this
//! crate does not know. Compiled only with `--cfg attune_mutants`.

use std::sync::{LazyLock, PoisonError, RwLock};

static CHOSEN: LazyLock<RwLock<Option<String>>> = LazyLock::new(|| RwLock::new(std::env::var("ATTUNE_MUTANT").ok()));

/// Whether this process has the fault `name`.
#[must_use]
pub(crate) fn is(name: &str) -> bool {
    CHOSEN.read().unwrap_or_else(PoisonError::into_inner).as_deref() == Some(name)
}

/// Gives this process another fault, or none.
pub fn choose(name: Option<&str>) {
    *CHOSEN.write().unwrap_or_else(PoisonError::into_inner) = name.map(str::to_owned);
}
