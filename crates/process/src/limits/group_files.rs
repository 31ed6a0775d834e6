//! How a control group comes to be and goes.

use std::fmt::Debug;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// How a control group comes to be and goes. The kernel fills a new group with its files and lets it be removed with
/// them; the tests imitate both in a plain directory.
pub(crate) trait GroupFiles: Debug + Sync {
    /// Makes the group.
    fn make(&self, directory: &Path) -> io::Result<()>;
    /// Writes to one of its files, which is there or is not offered.
    fn write(&self, file: &Path, value: &str) -> io::Result<()>;
    /// Removes the group; an error while something is in it.
    fn remove(&self, directory: &Path) -> io::Result<()>;
}

/// The kernel's own.
#[derive(Debug)]
pub(crate) struct KernelFiles;

impl GroupFiles for KernelFiles {
    fn make(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir(directory)
    }

    fn write(&self, file: &Path, value: &str) -> io::Result<()> {
        OpenOptions::new().write(true).open(file)?.write_all(value.as_bytes())
    }

    fn remove(&self, directory: &Path) -> io::Result<()> {
        fs::remove_dir(directory)
    }
}
