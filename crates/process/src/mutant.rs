//! Known faults that can be switched on, to prove that the proofs would notice them; see `attune_types::mutant`, which this
//! crate does not know. Compiled only with `--cfg attune_mutants`.

use std::sync::OnceLock;

/// Whether this process has the fault `name`.
pub(crate) fn is(name: &str) -> bool {
    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("ATTUNE_MUTANT").ok()).as_deref() == Some(name)
}
