//! What an action's resources may be limited in, and who holds such a limit on a worker.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that [`ResourceLimits`](crate::ResourceLimits) limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// Bytes of memory.
    Memory,
    /// Seconds of processor time.
    Cpu,
    /// Processes and threads at once.
    Processes,
    /// Open files of one process.
    OpenFiles,
    /// Bytes of one file that is written.
    FileSize,
}

impl LimitKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Memory, Self::Cpu, Self::Processes, Self::OpenFiles, Self::FileSize];

    /// The word for it, which is also its name on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Processes => "processes",
            Self::OpenFiles => "open_files",
            Self::FileSize => "file_size",
        }
    }

    /// What a worker lacks that cannot hold it, as `cannot enforce ...`.
    #[must_use]
    pub const fn as_a_limit(self) -> &'static str {
        match self {
            Self::Memory => "a memory limit",
            Self::Cpu => "a limit on processor time",
            Self::Processes => "a limit on processes",
            Self::OpenFiles => "a limit on open files",
            Self::FileSize => "a limit on the size of files",
        }
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// Who holds a limit on a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Enforcement {
    /// A control group: the whole process tree together.
    Cgroup,
    /// A resource limit: each process for itself.
    Rlimit,
    /// Nobody.
    Nothing {
        /// Why.
        why: String,
    },
}
