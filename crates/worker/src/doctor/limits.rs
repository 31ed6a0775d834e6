//! What may be limited here, and by what.

use attune_process::limits::Support;
use attune_process::{By, LimitName};

use super::Finding;

/// One line for every limit, and where control groups were found.
pub(super) fn findings() -> Vec<Finding> {
    let support = Support::of_this_process();
    let mut findings: Vec<Finding> =
        LimitName::ALL.into_iter().map(|name| judged(name, &support.enforces(name))).collect();
    findings.extend(support.notes().iter().map(|note| Finding::ok("cgroup", note)));
    findings
}

fn judged(name: LimitName, by: &By) -> Finding {
    let title = format!("limit {}", name.word().replace('_', " "));
    match by {
        By::Cgroup => Finding::ok(title, "by control group: the whole tree"),
        By::Rlimit => {
            let entry = attune_process::LimitEntry { name, asked: 1, enforced: By::Rlimit };
            let weakness = entry.weakness().map(|weakness| format!(": {weakness}")).unwrap_or_default();
            Finding::ok(title, format!("by resource limit{weakness}"))
        }
        By::Nothing(why) => Finding::warn(
            title,
            format!("cannot be enforced: {why}"),
            "delegate a control group to this user or container; actions that ask for it run elsewhere",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn what_nothing_enforces_is_a_warning_and_what_is_weaker_says_so() {
        let nothing = judged(LimitName::Memory, &By::Nothing("no cgroup".into()));
        assert_eq!((nothing.state, nothing.found.as_str()), (State::Warn, "cannot be enforced: no cgroup"));
        assert_eq!(judged(LimitName::Cpu, &By::Rlimit).found, "by resource limit: of each process, not of the tree");
        assert_eq!(judged(LimitName::OpenFiles, &By::Rlimit).found, "by resource limit");
    }
}
