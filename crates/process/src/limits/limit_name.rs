//! Which limit.

use std::fmt;

/// Which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LimitName {
    /// [`Limits::memory_bytes`](crate::Limits::memory_bytes).
    Memory = 1,
    /// [`Limits::cpu_seconds`](crate::Limits::cpu_seconds).
    Cpu = 2,
    /// [`Limits::processes`](crate::Limits::processes).
    Processes = 3,
    /// [`Limits::open_files`](crate::Limits::open_files).
    OpenFiles = 4,
    /// [`Limits::file_bytes`](crate::Limits::file_bytes).
    FileBytes = 5,
}

impl LimitName {
    /// All of them, in the order they are reported in.
    pub const ALL: [Self; 5] = [Self::Memory, Self::Cpu, Self::Processes, Self::OpenFiles, Self::FileBytes];

    /// The word for it: `memory`, `cpu`, `processes`, `open_files`, `file_size`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Processes => "processes",
            Self::OpenFiles => "open_files",
            Self::FileBytes => "file_size",
        }
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}
