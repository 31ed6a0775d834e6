//! What a child has been through.

use std::{collections::VecDeque, time::Duration};

/// What a child has been through: the only memory [`decide`](crate::decide()) has.
///
/// Times are measured from any fixed moment, the same for all calls. The memory never holds more entries than the policy's intensity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// When each restart inside the window was decided, oldest first.
    pub(crate) restarts: VecDeque<Duration>,
    /// Failures since the last healthy life: the exponent of the backoff.
    pub(crate) failures_in_a_row: u32,
    /// When the present life began, or will begin.
    pub(crate) alive_since: Duration,
}

impl History {
    /// Creates the memory of a child whose first life begins at `now`.
    pub fn starting(now: Duration) -> Self {
        Self { alive_since: now, ..Self::default() }
    }

    /// Notes that a new life begins at `now`, for a reason that is not the child's own (a sibling failed).
    pub fn begin_life(&mut self, now: Duration) {
        self.alive_since = now;
    }

    /// Returns how many restarts are inside the window, as of the last decision.
    pub fn restarts_in_window(&self) -> usize {
        self.restarts.len()
    }
}
