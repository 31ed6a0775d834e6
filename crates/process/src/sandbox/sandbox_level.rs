//! The rungs of the ladder.

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
