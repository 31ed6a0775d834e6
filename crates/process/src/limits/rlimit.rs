//! Resource limits: of each process, inherited by its children.

/// What a resource limit is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    /// `RLIMIT_CPU`.
    Cpu,
    /// `RLIMIT_FSIZE`.
    FileSize,
    /// `RLIMIT_DATA`: private writable memory, anonymous mappings included since Linux 4.7 (setrlimit(2)).
    ///
    /// Rejected: `RLIMIT_AS`. It counts address space, and runtimes reserve far more of that than they ever touch: V8
    /// many gigabytes for its pointer cage and its guard regions, Go and Java their whole heap. They would not even
    /// start. What is reserved is mapped without permission to write, which `RLIMIT_DATA` does not count.
    Data,
    /// `RLIMIT_CORE`.
    Core,
    /// `RLIMIT_NOFILE`.
    OpenFiles,
    /// `RLIMIT_NPROC`: counts what the *user* runs, and does not bind root at all.
    Processes,
}

/// A resource limit as planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rlimit {
    /// Of what.
    pub(crate) resource: Resource,
    /// How much.
    pub(crate) value: RlimitValue,
}

/// How much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RlimitValue {
    /// Soft and hard the same.
    Exactly(u64),
    /// So many seconds; then `SIGXCPU`, and a second later `SIGKILL` for whoever ignores that.
    Seconds(u64),
    /// So many more than the user has when the child starts.
    More(u64),
}

/// A resource limit with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResolvedRlimit {
    pub(crate) resource: Resource,
    pub(crate) soft: u64,
    pub(crate) hard: u64,
}

impl Rlimit {
    /// Its numbers, given how many processes the user has: asked only where that matters.
    pub(crate) fn resolve(self, users_processes: impl FnOnce() -> u64) -> ResolvedRlimit {
        let (soft, hard) = match self.value {
            RlimitValue::Exactly(value) => (value, value),
            RlimitValue::Seconds(seconds) => (seconds.max(1), seconds.max(1).saturating_add(1)),
            RlimitValue::More(more) => {
                let value = users_processes().saturating_add(more);
                (value, value)
            }
        };
        ResolvedRlimit { resource: self.resource, soft, hard }
    }
}
