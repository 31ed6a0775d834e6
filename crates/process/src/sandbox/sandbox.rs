//! What a child is to be kept from.

use crate::sandbox::FilesystemPolicy;
use crate::sandbox::sandbox_level::SandboxLevel;

/// How a child is to be kept apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    /// The level that is wanted. Less is given where the machine cannot do it, down to `require`.
    pub level: SandboxLevel,
    /// The level below which the child must not run.
    pub require: SandboxLevel,
    /// Which files it reaches, from level 2 on.
    pub filesystem: FilesystemPolicy,
}

impl Default for Sandbox {
    /// Level 1, and all files as the user may.
    fn default() -> Self {
        Self { level: SandboxLevel::Base, require: SandboxLevel::Base, filesystem: FilesystemPolicy::Open }
    }
}
