//! How much waits.

use attune_types::Requirement;

/// What waits for workers of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueDepth {
    /// What its worker must offer.
    pub requirement: Requirement,
    /// Executions that could start now.
    pub waiting: u64,
    /// How long the oldest of them could have started, in microseconds.
    pub oldest_micros: i64,
}
