//! Limits in the words of the store, and in those of the kernel.

use std::collections::BTreeMap;

use attune_process::Limits;
use attune_process::limits::{By, LimitName, Support};
use attune_types::{Enforcement, LimitKind, ResourceLimits};

/// What the child of an action that asks for `resources` may use.
pub(crate) const fn of_action(resources: &ResourceLimits) -> Limits {
    Limits {
        memory_bytes: resources.memory_bytes,
        cpu_seconds: resources.cpu_seconds,
        processes: resources.processes,
        open_files: resources.open_files,
        file_bytes: resources.file_bytes,
    }
}

/// Who holds which limit here: what the worker registers, and by what the scheduler gives it work.
pub(crate) fn enforced(support: &Support) -> BTreeMap<LimitKind, Enforcement> {
    let holder = |kind| match support.enforces(name(kind)) {
        By::Cgroup => Enforcement::Cgroup,
        By::Rlimit => Enforcement::Rlimit,
        By::Nothing(why) => Enforcement::Nothing { why },
    };
    LimitKind::ALL.into_iter().map(|kind| (kind, holder(kind))).collect()
}

const fn name(kind: LimitKind) -> LimitName {
    match kind {
        LimitKind::Memory => LimitName::Memory,
        LimitKind::Cpu => LimitName::Cpu,
        LimitKind::Processes => LimitName::Processes,
        LimitKind::OpenFiles => LimitName::OpenFiles,
        LimitKind::FileSize => LimitName::FileBytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_have_the_same_words_and_every_limit_reaches_the_child() {
        let asked = ResourceLimits {
            memory_bytes: Some(1),
            cpu_seconds: Some(2),
            processes: Some(3),
            open_files: Some(4),
            file_bytes: Some(5),
        };
        let limits = of_action(&asked);
        for kind in LimitKind::ALL {
            assert_eq!(kind.word(), name(kind).word());
            assert_eq!(limits.value(name(kind)), asked.value(kind), "{kind}");
        }
        let enforced = enforced(Support::of_this_process());
        assert_eq!(enforced.len(), LimitKind::ALL.len());
        assert_eq!(enforced.get(&LimitKind::OpenFiles), Some(&Enforcement::Rlimit));
    }
}
