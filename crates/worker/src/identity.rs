//! Who this worker is, for as long as its process lives.

use attune_types::{Incarnation, WorkerId};

use crate::error::WorkerError;

/// Who this worker is. Belongs to no actor: a Registration that crashes comes back as the same worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The id the store gave its name.
    pub(crate) id: WorkerId,
    /// This life.
    pub(crate) incarnation: Incarnation,
}

/// A new life: random, so that a restarted worker is never mistaken for its predecessor.
pub(crate) fn new_incarnation() -> Result<Incarnation, WorkerError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| WorkerError::Random { reason: error.to_string() })?;
    Ok(Incarnation(bytes))
}
