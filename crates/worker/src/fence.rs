//! When a worker that cannot renew its leases must stop what it runs.
//!
//! The store may give an attempt to somebody else when its lease has run out, so everything must be dead before that:
//! SIGTERM at 33 s and SIGKILL at 38 s of a lease of 45 s, counted from the moment the last successful heartbeat was
//! *sent* (the store's own count starts later), on a clock that counts suspend.

use std::time::Duration;

/// What the self-fence demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fence {
    /// Leases are fresh: go on.
    Open,
    /// Ask everything to stop.
    Terminate,
    /// Kill everything.
    Kill,
}

/// Judges by the time since the last successful heartbeat was sent.
#[must_use]
pub fn judge(silence: Duration, lease: Duration) -> Fence {
    if silence >= kill_after(lease) {
        Fence::Kill
    } else if silence >= terminate_after(lease) {
        Fence::Terminate
    } else {
        Fence::Open
    }
}

/// 33 s of a lease of 45 s.
#[must_use]
pub fn terminate_after(lease: Duration) -> Duration {
    lease * 33 / 45
}

/// 38 s of a lease of 45 s.
#[must_use]
pub fn kill_after(lease: Duration) -> Duration {
    lease * 38 / 45
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_moments_hold() {
        let lease = Duration::from_secs(45);
        for (silence_ms, expected) in [
            (0, Fence::Open),
            (32_999, Fence::Open),
            (33_000, Fence::Terminate),
            (37_999, Fence::Terminate),
            (38_000, Fence::Kill),
            (900_000, Fence::Kill),
        ] {
            assert_eq!(judge(Duration::from_millis(silence_ms), lease), expected, "{silence_ms}");
        }
    }

    #[test]
    fn everything_is_dead_before_any_lease_ends() {
        for seconds in [1, 3, 10, 45, 600] {
            let lease = Duration::from_secs(seconds);
            assert!(terminate_after(lease) < kill_after(lease));
            assert!(kill_after(lease) < lease * 9 / 10);
        }
    }
}
