//! One attempt, named.

use std::fmt;

use attune_types::{AttemptNumber, ExecutionId};

/// One attempt, named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Which execution.
    pub execution: ExecutionId,
    /// Which try.
    pub attempt: AttemptNumber,
}

impl Key {
    /// Names an attempt.
    #[must_use]
    pub const fn new(execution: ExecutionId, attempt: AttemptNumber) -> Self {
        Self { execution, attempt }
    }

    /// As the store wants it.
    #[must_use]
    pub const fn pair(self) -> (ExecutionId, AttemptNumber) {
        (self.execution, self.attempt)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.execution, self.attempt)
    }
}
