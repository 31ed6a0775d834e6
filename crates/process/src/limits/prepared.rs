//! The limits of one child, made ready by its guard.

use crate::limits::group::Group;
use crate::limits::group_name::GroupName;
use crate::limits::plan::plan;
use crate::limits::rlimit::ResolvedRlimit;
use crate::limits::surroundings::Surroundings;
use crate::limits::{Accounting, Limits, LimitsReport, OomScope, Support, probe, raw};

/// Everything that is needed to limit one child, made ready before the child exists: between its birth and its exec
/// nothing may be allocated and nothing locked.
#[derive(Debug)]
pub(crate) struct PreparedLimits {
    /// What becomes of each limit.
    pub(crate) report: LimitsReport,
    rlimits: Vec<ResolvedRlimit>,
    joins: Vec<i32>,
    pub(super) group: Option<Group>,
    memory_bytes: Option<u64>,
    /// The group that the child is in when it has none of its own, and its kills so far.
    surroundings: Option<(Surroundings, u64)>,
}

/// A limit that must hold cannot.
#[derive(Debug)]
pub(crate) struct LimitRefused {
    pub(crate) limit: String,
    pub(crate) why: String,
}

impl PreparedLimits {
    /// Makes limits ready (control groups made, their `cgroup.procs` opened). Runs in the guard, before the child exists.
    /// A limit that nothing would enforce is refused: nothing is silently weaker.
    pub(crate) fn of(limits: &Limits) -> Result<Self, LimitRefused> {
        Self::with(limits, Support::of_this_process())
    }

    /// The same for a host that can do what `support` says.
    pub(crate) fn with(limits: &Limits, support: &Support) -> Result<Self, LimitRefused> {
        let plan = plan(limits, support);
        if let Some((name, why)) = plan.report.unenforced() {
            return Err(LimitRefused { limit: name.to_string(), why: why.to_owned() });
        }
        let group = if plan.groups.is_empty() {
            None
        } else {
            let limit = || if limits.memory_bytes.is_some() { "memory" } else { "processes" }.to_owned();
            let made = Group::make(&plan.groups, &GroupName::next().to_string(), support.files);
            Some(made.map_err(|why| LimitRefused { limit: limit(), why })?)
        };
        let counts_memory = group.is_some() && limits.memory_bytes.is_some() && support.memory.is_ok();
        Ok(Self {
            rlimits: plan.rlimits.iter().map(|rlimit| rlimit.resolve(probe::count_user_processes)).collect(),
            joins: group.iter().flat_map(Group::joins).collect(),
            group,
            memory_bytes: limits.memory_bytes.filter(|_| counts_memory),
            surroundings: support.surroundings.as_ref().map(|group| (group.clone(), group.kills())),
            report: plan.report,
        })
    }

    /// The descriptors that [`PreparedLimits::apply`] needs.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = i32> + '_ {
        self.joins.iter().copied()
    }

    /// Limits the calling process. Runs in the child, on memory that it shares with its guard: raw system calls only.
    /// The error is the kernel's number. Groups first: once in them, nothing the child does is uncounted.
    pub(crate) fn apply(&self) -> Result<(), i32> {
        self.joins.iter().try_for_each(|procs| raw::join(*procs))?;
        self.rlimits.iter().try_for_each(raw::limit)
    }

    /// Whether [`PreparedLimits::kill`] works and cannot be outrun.
    pub(crate) fn can_kill(&self) -> bool {
        self.group.as_ref().is_some_and(Group::can_kill)
    }

    /// Kills everything in the control group. `false`: not possible, or something is still left in it.
    pub(crate) fn kill(&self) -> bool {
        self.group.as_ref().is_some_and(Group::kill)
    }

    /// Reads what was used and removes the control groups. Runs in the guard when nothing of the tree is left.
    pub(crate) fn finish(self) -> Accounting {
        let mut accounting =
            self.group.as_ref().map_or_else(Accounting::default, |group| group.account(self.memory_bytes));
        let Some((surroundings, before)) = &self.surroundings else { return accounting };
        match &mut accounting.oom_killed {
            // It was in a group of its own, but the limit that it reached is that of a group above.
            Some(evidence) if evidence.scope == OomScope::Surroundings => evidence.limit_bytes = surroundings.limit(),
            Some(_) => {}
            None if self.memory_bytes.is_none() => accounting.oom_killed = surroundings.evidence(*before),
            None => {}
        }
        accounting
    }
}
