//! Who will hold which limit: a pure decision.

use super::place::{Place, Setting};
use super::rlimit::{Resource, Rlimit, RlimitValue};
use super::support::Support;
use super::{By, LimitEntry, LimitName, Limits, LimitsReport};

/// A control group to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupPlan {
    pub(crate) place: Place,
    pub(crate) settings: Vec<Setting>,
}

/// Who will hold which limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What is told of it.
    pub(crate) report: LimitsReport,
    /// For the child itself, in the order to be set in. No core dump is ever written.
    pub(crate) rlimits: Vec<Rlimit>,
    /// Groups to make; none when no limit needs one.
    pub(crate) groups: Vec<GroupPlan>,
}

impl Plan {
    fn group(&mut self, place: &Place, settings: Vec<Setting>) {
        match self.groups.iter_mut().find(|group| group.place == *place) {
            Some(group) => group.settings.extend(settings),
            None => self.groups.push(GroupPlan { place: place.clone(), settings }),
        }
    }

    fn rlimit(&mut self, resource: Resource, value: RlimitValue) -> By {
        self.rlimits.push(Rlimit { resource, value });
        By::Rlimit
    }
}

/// Decides who will hold each of `limits`, the strongest holder that there is.
pub(crate) fn plan(limits: &Limits, support: &Support) -> Plan {
    let mut plan = Plan::default();
    plan.rlimit(Resource::Core, RlimitValue::Exactly(0));
    for (name, asked) in limits.asked() {
        let enforced = match name {
            LimitName::Memory => match &support.memory {
                Ok(place) => {
                    plan.group(place, place.version.memory(asked));
                    By::Cgroup
                }
                Err(_) => plan.rlimit(Resource::Data, RlimitValue::Exactly(asked)),
            },
            LimitName::Processes => match (&support.processes, &support.user_processes) {
                (Ok(place), _) => {
                    plan.group(place, place.version.processes(asked));
                    By::Cgroup
                }
                (Err(_), Ok(())) => plan.rlimit(Resource::Processes, RlimitValue::More(asked)),
                (Err(group), Err(user)) => By::Nothing(format!("{group}, and {user}")),
            },
            LimitName::Cpu => plan.rlimit(Resource::Cpu, RlimitValue::Seconds(asked)),
            LimitName::OpenFiles => plan.rlimit(Resource::OpenFiles, RlimitValue::Exactly(asked)),
            LimitName::FileBytes => plan.rlimit(Resource::FileSize, RlimitValue::Exactly(asked)),
        };
        plan.report.entries.push(LimitEntry { name, asked, enforced });
    }
    // A group is needed anyway: where the kernel can kill one whole, let it be able to.
    if let (false, Some(place)) = (plan.groups.is_empty(), &support.kill) {
        plan.group(place, Vec::new());
    }
    plan
}
