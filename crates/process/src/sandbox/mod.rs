//! What a child may not do.

mod filesystem_policy;
mod prepared;
mod sandbox_level;
mod sandbox_reached;

pub use filesystem_policy::FilesystemPolicy;
#[allow(unused_imports, dead_code)]
pub(crate) use prepared::{PreparedSandbox, SandboxRefused, enter_scope};
pub use sandbox_level::SandboxLevel;
pub use sandbox_reached::{KillWay, SandboxReached};

/// What is asked of the sandbox of one child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    /// The level to reach where this machine can.
    pub level: SandboxLevel,
    /// The level below which nothing is started.
    pub require: SandboxLevel,
    /// What the child sees of the file system, from [`SandboxLevel::Isolated`] on.
    pub filesystem: FilesystemPolicy,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self { level: SandboxLevel::Base, require: SandboxLevel::Base, filesystem: FilesystemPolicy::Open }
    }
}
