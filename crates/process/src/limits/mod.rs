//! What a child may use, and what it used.

mod accounting;
mod limits_report;
mod oom_evidence;
mod prepared;

pub use accounting::Accounting;
pub use limits_report::{By, LimitEntry, LimitName, LimitsReport};
pub use oom_evidence::OomEvidence;
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
