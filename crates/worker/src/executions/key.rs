//! One attempt, named.

use std::fmt;

use attune_types::{AttemptNumber, ExecutionId};

/// One attempt, named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    /// Which execution.
    pub(crate) execution: ExecutionId,
    /// Which try.
    pub(crate) attempt: AttemptNumber,
}

impl Key {
    pub(crate) const fn new(execution: ExecutionId, attempt: AttemptNumber) -> Self {
        Self { execution, attempt }
    }

    /// As the store wants it.
    pub(crate) const fn pair(self) -> (ExecutionId, AttemptNumber) {
        (self.execution, self.attempt)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.execution, self.attempt)
    }
}
