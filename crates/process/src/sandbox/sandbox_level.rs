//! How far a child is kept apart.

use std::fmt;

/// How far a child is shut in, weakest first. Each level contains those below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SandboxLevel {
    /// Own session, clean environment and descriptors, resource limits, no new privileges, nothing survives.
    Base = 1,
    /// And a Landlock domain: no signal, no abstract socket and no memory outside of it; file system rules.
    Isolated = 2,
    /// And a system call filter.
    Filtered = 3,
}

impl SandboxLevel {
    /// All levels, weakest first.
    pub const ALL: [Self; 3] = [Self::Base, Self::Isolated, Self::Filtered];

    /// The level with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Base),
            2 => Some(Self::Isolated),
            3 => Some(Self::Filtered),
            _ => None,
        }
    }

    /// Its number, 1 to 3.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for SandboxLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}
