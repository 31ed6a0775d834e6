//! How often things are done without being woken, as data.

use std::time::Duration;

/// How often things are done without being woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticks {
    /// The scheduler looks for work.
    pub scheduler: Duration,
    /// The relay looks into the outbox.
    pub relay: Duration,
    /// The reaper ends what ran out.
    pub reaper: Duration,
}

impl Default for Ticks {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self { scheduler: second, relay: second, reaper: second * 2 }
    }
}
