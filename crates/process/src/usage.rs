//! What a child used.

use std::time::Duration;

/// What the child and the descendants that it waited for used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// From start to exit, on a clock that counts suspend.
    pub wall: Duration,
    /// Processor time in user mode.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// Largest resident set of any one of the processes, in bytes, when that is known.
    ///
    /// The kernel carries the peak of the spawning process over into the child, so a child that stayed below this
    /// process's own peak cannot be told from it: then this is absent rather than wrong.
    pub peak_rss_bytes: Option<u64>,
    /// The most memory that the whole tree had at once, in bytes; known when a control group counted it.
    pub peak_tree_bytes: Option<u64>,
}
