//! What a child may use, and what it used.

mod accounting;
mod limit_name;
mod limits_report;
mod oom_evidence;
mod prepared;

pub use accounting::Accounting;
pub use limit_name::LimitName;
pub use limits_report::{By, LimitEntry, LimitsReport};
pub use oom_evidence::{OomEvidence, OomScope};
#[allow(unused_imports, dead_code)]
pub(crate) use prepared::{LimitRefused, PreparedLimits};

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
