//! How a scheduler places work, as data.

use std::time::Duration;

use attune_store::Placeable;

/// The knobs of placement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacementPolicy {
    /// How many executions a worker may be given beyond its slots, so that its local queue never runs dry;
    /// `None` means five times as many as it has slots: twice as many are claimed in advance, as many ends are being
    /// reported, and as many again are on their way. With twice as many in all, a worker of short work stood idle for want
    /// of messages, and each commit served half as many executions.
    pub prefetch: Option<u32>,
    /// How many waiting executions one look at the store brings, 1 to 1000.
    pub look: u32,
    /// How many looks one pass takes at most. A pass that is cut off runs again at once.
    pub most_looks: u32,
    /// How long a worker may sit on executions beyond its slots while another worker has free ones.
    pub patience: Duration,
    /// How long a worker that ends nothing may sit on executions beyond its slots, whoever else is free. Well below the
    /// dispatch deadline of the reaper: what is taken back here is no failed delivery.
    pub most_patience: Duration,
}

impl PlacementPolicy {
    /// How many executions `worker` may be given beyond its slots, if it works them off quickly enough.
    #[must_use]
    pub fn prefetch_of(&self, worker: &Placeable) -> u32 {
        self.prefetch.unwrap_or(worker.capabilities.max_concurrent_executions.saturating_mul(5))
    }
}

impl Default for PlacementPolicy {
    fn default() -> Self {
        Self {
            prefetch: None,
            look: 500,
            most_looks: 64,
            patience: Duration::from_secs(1),
            most_patience: Duration::from_secs(5),
        }
    }
}
