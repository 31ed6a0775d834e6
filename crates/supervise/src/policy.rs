//! How much failing a child is allowed.

use std::time::Duration;

use crate::Backoff;

/// How much failing one child is allowed before the whole tree gives up.
///
/// The allowance belongs to each child and not, as in OTP, to the tree: a child with a fault does not spend what its siblings may need, and
/// the reason for giving up names the one that is broken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// This many restarts are allowed within `period`; one more gives up. 0 gives up at the first failure.
    pub intensity: u32,
    /// The length of the sliding window in which restarts are counted.
    pub period: Duration,
    /// The wait before each restart.
    pub backoff: Backoff,
    /// A life that lasted at least this long forgives everything before it: the count and the backoff start anew.
    pub healthy_after: Duration,
}

impl Default for Policy {
    /// 5 restarts in 60 s, backoff from 250 ms to 30 s, forgiven after 60 s of health.
    fn default() -> Self {
        Self {
            intensity: 5,
            period: Duration::from_secs(60),
            backoff: Backoff::default(),
            healthy_after: Duration::from_secs(60),
        }
    }
}
