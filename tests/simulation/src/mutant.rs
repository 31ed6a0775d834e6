//! The known faults that the proofs must notice.

/// Whether this process has a known fault; never in an ordinary build.
#[must_use]
pub fn is(_name: &str) -> bool {
    #[cfg(attune_mutants)]
    if attune_types::mutant::is(_name) {
        return true;
    }
    false
}

/// Whether this process has any.
#[must_use]
pub fn is_on() -> bool {
    #[cfg(attune_mutants)]
    if std::env::var_os(attune_types::mutant::VARIABLE).is_some() {
        return true;
    }
    false
}
