//! How it all ended.

use crate::gap::Gap;
use crate::how::How;
use crate::limits::{LimitsReport, OomEvidence};
use crate::sandbox::SandboxReached;
use crate::stop_reason::StopReason;
use crate::survivor::Survivor;
use crate::usage::Usage;

/// The end of a child, with everything that is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How the child itself ended.
    pub how: How,
    /// Why this side stopped it, if it did. Absent when the child was gone before anybody asked.
    pub stopped_because: Option<StopReason>,
    /// Whether a descendant still held a stream open when reading ended, two seconds after the child's own end.
    pub output_closed_early: bool,
    /// How many bytes were read from standard output, kept or not.
    pub stdout_bytes: u64,
    /// How many bytes were read from standard error, kept or not.
    pub stderr_bytes: u64,
    /// What was dropped of standard output.
    pub stdout_dropped: Option<Gap>,
    /// What was dropped of standard error.
    pub stderr_dropped: Option<Gap>,
    /// The first 16 of the descendants that were still there after the child's own end and were killed.
    pub survivors: Vec<Survivor>,
    /// What it used.
    pub usage: Usage,
    /// How far it was shut in.
    pub sandbox: SandboxReached,
    /// What became of each limit.
    pub limits: LimitsReport,
    /// Proof that the kernel killed one of its processes for memory.
    pub oom: Option<OomEvidence>,
}

impl Ended {
    /// Whether the child exited 0 by itself.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.how == How::Exited(0) && self.stopped_because.is_none()
    }
}
