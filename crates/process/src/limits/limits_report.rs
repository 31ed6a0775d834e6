//! What became of each limit.

use crate::limits::LimitName;

/// What enforces a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// A control group: for the whole tree.
    Cgroup,
    /// A resource limit: for each process, see [`LimitEntry::weakness`].
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

impl LimitEntry {
    /// What is weaker than the limit sounds, given what enforces it.
    #[must_use]
    pub const fn weakness(&self) -> Option<&'static str> {
        match (self.name, &self.enforced) {
            (LimitName::Memory, By::Rlimit) => Some("of each process, not of the tree; shared memory and files apart"),
            (LimitName::Cpu, By::Rlimit) => Some("of each process, not of the tree"),
            (LimitName::Processes, By::Rlimit) => Some("counted with everything else that its user runs"),
            _ => None,
        }
    }
}

/// What became of each limit that was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitsReport {
    /// One entry per limit, in the order of [`LimitName::ALL`].
    pub entries: Vec<LimitEntry>,
}

impl LimitsReport {
    /// The first entry that nothing enforces, and why.
    #[must_use]
    pub fn unenforced(&self) -> Option<(LimitName, &str)> {
        self.entries.iter().find_map(|entry| match &entry.enforced {
            By::Nothing(why) => Some((entry.name, why.as_str())),
            By::Cgroup | By::Rlimit => None,
        })
    }
}
