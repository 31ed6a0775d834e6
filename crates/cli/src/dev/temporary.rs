//! A directory that is gone when the process ends in an orderly way.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::error::CliError;

/// A private directory under the system's temporary directory, removed on drop.
#[derive(Debug)]
pub(crate) struct TemporaryDirectory {
    path: PathBuf,
}

impl TemporaryDirectory {
    /// Makes one whose name begins with `prefix`.
    pub(crate) fn create(prefix: &str) -> Result<Self, CliError> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| CliError::internal("naming a directory", error))?;
        let path = std::env::temp_dir().join(format!("{prefix}-{:016x}", u64::from_le_bytes(random)));
        // Not `create_dir_all`: a directory that somebody else made under this name must not be used.
        DirBuilder::new().mode(0o700).create(&path).map_err(CliError::file("making", &path))?;
        Ok(Self { path })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "a temporary directory was not removed");
        }
    }
}
