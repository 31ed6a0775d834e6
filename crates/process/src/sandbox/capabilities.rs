//! What root is kept from, where a child runs as root.
//!
//! Landlock stops an ordinary user from tracing and reading what is outside. The kernel lets some capabilities past it:
//! since 6.16, `CAP_PERFMON` alone is enough to read another process's environment. A child at level 2 and above runs
//! without those, which root in a container usually is, too.

use crate::sandbox::kernel::{self, CapabilitySets};

/// The capabilities (numbers of `linux/capability.h`) by which what is outside can be read or changed.
const DROPPED: &[u32] = &[
    16, // CAP_SYS_MODULE: code in the kernel
    17, // CAP_SYS_RAWIO: /dev/mem, /proc/kcore
    19, // CAP_SYS_PTRACE: the memory of others
    21, // CAP_SYS_ADMIN: includes what the newer ones below were split off from
    38, // CAP_PERFMON: the environment of others
    39, // CAP_BPF: programs in the kernel
    40, // CAP_CHECKPOINT_RESTORE: the memory maps of others
];

/// How a child gives up what it must not have. Nothing for an ordinary user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CapabilityDrop {
    /// No longer to be had by executing anything.
    bounding: Vec<u32>,
    /// What it keeps.
    sets: CapabilitySets,
}

impl CapabilityDrop {
    /// What a process with `sets`, for which `is_bounded` says what it could still get, must give up. `None`: nothing.
    ///
    /// # Errors
    ///
    /// When it has something to give up but not the right to do so for good, with what is missing in words.
    pub(super) fn decide(
        sets: CapabilitySets,
        is_root: bool,
        is_in_bounding_set: impl Fn(u32) -> bool,
    ) -> Result<Option<Self>, String> {
        const SETPCAP: u32 = 8;
        // Whoever is not root and holds nothing gets nothing by executing something, without new privileges.
        if !is_root && sets.is_empty() {
            return Ok(None);
        }
        let bounding: Vec<u32> = DROPPED.iter().copied().filter(|number| is_in_bounding_set(*number)).collect();
        let kept = DROPPED.iter().fold(sets, CapabilitySets::without);
        if bounding.is_empty() && kept == sets {
            return Ok(None);
        }
        if is_root && !bounding.is_empty() && !sets.is_effective(SETPCAP) {
            return Err("root keeps capabilities that reach other processes, since CAP_SETPCAP is missing".to_owned());
        }
        // An ordinary user cannot get back what it does not hold, so the bounding set may stay as it is.
        Ok(Some(Self { bounding: if is_root { bounding } else { Vec::new() }, sets: kept }))
    }

    /// What this process must give up.
    pub(super) fn here() -> Result<Option<Self>, String> {
        let sets = kernel::capabilities().map_err(|error| format!("capabilities cannot be read: {error}"))?;
        Self::decide(sets, kernel::is_root(), kernel::is_in_bounding_set)
    }

    /// Gives it up. Async-signal-safe. The error is the kernel's number.
    pub(super) fn apply(&self) -> Result<(), i32> {
        for number in &self.bounding {
            kernel::drop_from_bounding_set(*number)?;
        }
        kernel::set_capabilities(&self.sets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYTHING: u64 = (1 << 41) - 1;

    fn sets(permitted: u64) -> CapabilitySets {
        CapabilitySets { effective: permitted, permitted, inheritable: 0 }
    }

    #[test]
    fn an_ordinary_user_has_nothing_to_give_up() {
        assert_eq!(CapabilityDrop::decide(sets(0), false, |_| true), Ok(None));
    }

    #[test]
    fn root_of_a_container_has_nothing_to_give_up_either() {
        // What Docker leaves: no more than the first 32, without those listed above.
        assert_eq!(
            CapabilityDrop::decide(sets(0xa804_25fb), true, |number| 0xa804_25fb_u64 >> number & 1 == 1),
            Ok(None)
        );
    }

    #[test]
    fn full_root_gives_up_what_reaches_others_and_keeps_the_rest() {
        let drop = CapabilityDrop::decide(sets(EVERYTHING), true, |_| true).expect("allowed").expect("something");
        assert_eq!(drop.bounding, DROPPED);
        assert_eq!(drop.sets.permitted.count_ones() as usize, 41 - DROPPED.len());
        assert_eq!(drop.sets.permitted & 1 << 38, 0);
    }

    #[test]
    fn root_that_may_not_give_up_for_good_says_so() {
        assert!(CapabilityDrop::decide(sets(EVERYTHING & !(1 << 8)), true, |_| true).is_err());
    }

    #[test]
    fn an_ordinary_user_with_capabilities_gives_up_those_it_holds() {
        let drop =
            CapabilityDrop::decide(sets(1 << 19 | 1 << 10), false, |_| true).expect("allowed").expect("something");
        assert_eq!((drop.bounding, drop.sets), (Vec::new(), sets(1 << 10)));
    }
}
