//! A directory for one test.

use std::path::{Path, PathBuf};

/// An empty directory, removed with everything in it when this is dropped.
#[derive(Debug)]
pub struct TestDirectory(tempfile::TempDir);

impl TestDirectory {
    /// Makes one below the system's temporary directory.
    ///
    /// # Panics
    /// When that is not possible.
    #[must_use]
    pub fn create() -> Self {
        match tempfile::Builder::new().prefix("attune-test-").tempdir() {
            Ok(made) => Self(made),
            Err(error) => panic!("no temporary directory could be made: {error}"),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file below it, making the directories in between, and answers where.
    ///
    /// # Panics
    /// When that is not possible.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        let parent = path.parent().unwrap_or(self.path());
        if let Err(error) = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, content)) {
            panic!("{} could not be written: {error}", path.display());
        }
        path
    }
}
