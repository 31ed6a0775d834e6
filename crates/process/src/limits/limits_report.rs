//! What became of each limit.

/// Which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

/// What enforces a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// A control group: for the whole tree.
    Cgroup,
    /// A resource limit: for each process.
    Rlimit,
    /// Nothing, for this reason.
    Nothing(String),
}

/// One limit that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitEntry {
    /// Which.
    pub name: LimitName,
    /// How much was asked for, in the unit of the limit.
    pub asked: u64,
    /// What enforces it.
    pub enforced: By,
}

/// What became of each limit that was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitsReport {
    /// One entry per limit.
    pub entries: Vec<LimitEntry>,
}
