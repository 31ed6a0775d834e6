//! What the sandbox came to.

use crate::sandbox::SandboxLevel;

/// How everything of a tree can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum KillWay {
    /// `cgroup.kill`: at once, whatever the processes do.
    Cgroup = 1,
    /// `kill(-1)` inside a Landlock domain that scopes signals: at once.
    Scope = 2,
    /// Stop, look, kill, until nothing is left. Complete too, but one process at a time.
    Scan = 3,
}

/// What was reached for one child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxReached {
    /// The level.
    pub level: SandboxLevel,
    /// How its tree could be killed.
    pub kill_way: KillWay,
    /// Why it is not more: what was asked for and is not there, one sentence each.
    pub missing: Vec<String>,
}
