use std::path::PathBuf;

use serde::Deserialize;

/// Where packs lie.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packs {
    /// Directories whose folders are packs; the first one that has a pack wins. Missing directories are passed over.
    pub directories: Vec<PathBuf>,
}
