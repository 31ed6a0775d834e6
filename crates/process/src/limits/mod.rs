//! What a child may use, and what it used: by control group where one may be made, by resource limit otherwise.
//!
//! A guard calls these in this order:
//!
//! | when | what |
//! |---|---|
//! | once, before anything is started | [`Support::of_this_process`]: what may be limited here, found out by trying |
//! | before the child exists | `PreparedLimits::of`: decides who holds which limit (`plan`, pure), makes the groups |
//! | between its birth and its exec | `PreparedLimits::apply`, in the child: joins the groups, then limits itself |
//! | to kill | `PreparedLimits::kill` |
//! | when the tree is empty | `PreparedLimits::finish`: what was used; the groups are gone after it |
//! | when a guard was lost | [`Support::sweep`]: the groups that it left |
//!
//! A group is made only when a limit asks for one. What holds each limit, strongest first:
//!
//! | limit | held by | of |
//! |---|---|---|
//! | memory | cgroup v2 or v1 `memory`, swap included | the tree |
//! | | `RLIMIT_DATA` | each process |
//! | processes | cgroup v2 or v1 `pids` | the tree |
//! | | `RLIMIT_NPROC`, unless the user is one whom it does not bind | all that the user runs |
//! | cpu | `RLIMIT_CPU`: `SIGXCPU`, and `SIGKILL` a second later | each process |
//! | open files, size of a file | `RLIMIT_NOFILE`, `RLIMIT_FSIZE` | each process |
//!
//! No core dump is ever written. A limit that nothing would hold is refused before anything starts.

mod accounting;
mod group;
mod group_files;
mod group_name;
mod host;
mod limit_name;
mod limits_report;
mod mounts;
mod oom_evidence;
mod place;
mod plan;
mod prepared;
mod probe;
mod raw;
mod rlimit;
mod support;
mod surroundings;
mod sweep;
mod unified;

#[cfg(test)]
mod tests;

pub use accounting::Accounting;
pub use limit_name::LimitName;
pub use limits_report::{By, LimitEntry, LimitsReport};
pub use oom_evidence::{OomEvidence, OomScope};
#[allow(unused_imports, dead_code)]
pub(crate) use prepared::{LimitRefused, PreparedLimits};
pub use support::Support;

/// The most that a child and its descendants may use. Absent: no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// Processor time, in seconds.
    pub cpu_seconds: Option<u64>,
    /// Processes and threads at once.
    pub processes: Option<u64>,
    /// Open files per process.
    pub open_files: Option<u64>,
    /// Length of a file that is written, in bytes.
    pub file_bytes: Option<u64>,
}

impl Limits {
    /// The value of one of them.
    #[must_use]
    pub const fn value(&self, name: LimitName) -> Option<u64> {
        match name {
            LimitName::Memory => self.memory_bytes,
            LimitName::Cpu => self.cpu_seconds,
            LimitName::Processes => self.processes,
            LimitName::OpenFiles => self.open_files,
            LimitName::FileBytes => self.file_bytes,
        }
    }

    /// What is asked for, in the order of [`LimitName::ALL`].
    pub fn asked(&self) -> impl Iterator<Item = (LimitName, u64)> + '_ {
        LimitName::ALL.into_iter().filter_map(|name| Some((name, self.value(name)?)))
    }
}
