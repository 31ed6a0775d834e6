use std::path::PathBuf;

use serde::Deserialize;

/// Where things are written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// Everything that must outlive the process: the embedded database, spools.
    pub state_dir: PathBuf,
    /// What executions leave behind.
    pub artifacts_dir: PathBuf,
    /// Environments of packs: virtual environments, modules, gems.
    pub runtime_envs_dir: PathBuf,
    /// What the image says about its interpreters; absent: looked for in the usual places.
    pub runtime_hints: Option<PathBuf>,
}
