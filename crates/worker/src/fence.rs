//! When a worker that cannot renew its leases must stop what it runs.
//!
//! The store may give an attempt to somebody else when its lease has run out, so everything must be dead before that:
//! SIGTERM at 33 s and SIGKILL at 38 s of a lease of 45 s, counted from the moment the last successful heartbeat was
//! *sent* (the store's own count starts later), on a clock that counts suspend.

use std::time::Duration;

/// When to stop what runs because leases could not be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FencePolicy {
    /// Silence after which everything is asked to stop.
    pub terminate: Duration,
    /// Silence after which everything is killed.
    pub kill: Duration,
}

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

impl FencePolicy {
    /// 33 and 38 s of a lease of 45 s, and the same shares of any other.
    #[must_use]
    pub fn of_lease(lease: Duration) -> Self {
        #[cfg(attune_mutants)]
        if attune_types::mutant::is("self_fence_off") {
            return Self { terminate: lease * 100_000, kill: lease * 100_000 };
        }
        Self { terminate: lease * 33 / 45, kill: lease * 38 / 45 }
    }

    /// Whether a grant may be made use of that arrives so long after it was asked for.
    ///
    /// Its lease began when it was asked for, while the fence counts from the last heartbeat, which knew nothing of it. Were
    /// the store to fall silent now, the fence would kill `kill` after that beat at the latest, and the lease must last
    /// longer than that. A grant that is too old is asked for once more, which begins its lease anew.
    #[must_use]
    pub fn trusts(self, grant_age: Duration, lease: Duration) -> bool {
        grant_age < lease.saturating_sub(self.kill)
    }

    /// Judges by the time since the last successful heartbeat was sent.
    #[must_use]
    pub fn judge(self, silence: Duration) -> Fence {
        if silence >= self.kill {
            Fence::Kill
        } else if silence >= self.terminate {
            Fence::Terminate
        } else {
            Fence::Open
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_moments_hold() {
        let policy = FencePolicy::of_lease(Duration::from_secs(45));
        for (silence_ms, expected) in [
            (0, Fence::Open),
            (32_999, Fence::Open),
            (33_000, Fence::Terminate),
            (37_999, Fence::Terminate),
            (38_000, Fence::Kill),
            (900_000, Fence::Kill),
        ] {
            assert_eq!(policy.judge(Duration::from_millis(silence_ms)), expected, "{silence_ms}");
        }
    }

    #[test]
    fn a_grant_is_made_use_of_only_while_its_lease_outlasts_the_fence() {
        let lease = Duration::from_secs(45);
        let policy = FencePolicy::of_lease(lease);
        for age_ms in (0..45_000).step_by(250) {
            let age = Duration::from_millis(age_ms);
            // The beat that counts was sent at the latest when the grant arrived.
            let outlasts = age + policy.kill < lease;
            assert_eq!(policy.trusts(age, lease), outlasts, "{age:?}");
        }
    }

    #[test]
    fn everything_is_dead_before_any_lease_ends() {
        for seconds in [1, 3, 10, 45, 600] {
            let lease = Duration::from_secs(seconds);
            let policy = FencePolicy::of_lease(lease);
            assert!(policy.terminate < policy.kill && policy.kill < lease * 9 / 10);
        }
    }
}
