//! The moment at which everything has to be dead, unless it is put off.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Puts off the moment at which every guard stops what it runs. As long as nobody has ever put it off, it never comes.
///
/// Guards read it by themselves, so it holds also when this process is stopped or hangs.
#[derive(Debug, Clone)]
pub struct Fence {
    page: Arc<[AtomicU64; 2]>,
}

impl Fence {
    pub(crate) fn new() -> Self {
        Self { page: Arc::new([AtomicU64::new(0), AtomicU64::new(0)]) }
    }

    /// From now on everything is asked to stop at `terminate_at` and killed at `kill_at`. Readings of
    /// [`clock::boot`](crate::clock::boot).
    pub fn extend(&self, terminate_at: Duration, kill_at: Duration) {
        let nanos = |moment: Duration| u64::try_from(moment.as_nanos()).unwrap_or(u64::MAX);
        self.page[1].store(nanos(kill_at), Ordering::Release);
        self.page[0].store(nanos(terminate_at), Ordering::Release);
    }
}
