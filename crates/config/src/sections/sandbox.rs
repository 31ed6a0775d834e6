use std::path::PathBuf;

use serde::Deserialize;

use super::sandbox_filesystem::SandboxFilesystem;
use super::sandbox_level::SandboxLevel;

/// What actions are kept from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {
    /// The level that actions run at which demand none.
    pub level: SandboxLevel,
    /// The level that a worker must reach, 1 to 3.
    pub require: u8,
    /// Which files an action reaches from level 2 on.
    pub filesystem: SandboxFilesystem,
    /// What an action may write to, beside its own, when `filesystem` is strict.
    pub writable: Vec<PathBuf>,
}
