//! What a child sees of the file system.

use std::path::PathBuf;

/// What a child may do with files beyond what its user may not do anyway.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FilesystemPolicy {
    /// Everything that its user may.
    #[default]
    Open,
    /// Everything that its user may, except what is said here.
    Protect {
        /// Directories under which nothing is visible.
        hidden: Vec<PathBuf>,
        /// Directories under which nothing is writable.
        read_only: Vec<PathBuf>,
        /// Directories of its own: visible and writable, also inside hidden ones.
        own: Vec<PathBuf>,
    },
    /// Nothing but what is said here.
    Strict {
        /// What may be read and executed.
        readable: Vec<PathBuf>,
        /// What may also be written.
        writable: Vec<PathBuf>,
    },
}
