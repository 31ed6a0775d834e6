//! Which files a child reaches.

use std::path::PathBuf;

/// Which files a child reaches at [`SandboxLevel::Isolated`](crate::SandboxLevel::Isolated) and above. It never gives
/// more than the user that the child runs as may do anyway.
///
/// Where several paths contain a file, the deepest one decides. Paths are absolute. What does not exist is protected
/// by nothing and is no error, except under `own` and `writable`, where it is one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum FilesystemPolicy {
    /// Everything as the user may.
    #[default]
    Open,
    /// Everything as the user may, except what is named here.
    ///
    /// Landlock can only allow, so what is allowed is everything beside the path to each protected directory. One
    /// consequence remains: nothing can be created directly in a directory that contains a protected one.
    Protect {
        /// Directories in which no file can be read, written, executed, made or removed.
        hidden: Vec<PathBuf>,
        /// Directories in which nothing can be written, made or removed.
        read_only: Vec<PathBuf>,
        /// Directories, usually inside hidden ones, that are the child's to use.
        own: Vec<PathBuf>,
    },
    /// Nothing, except what is named here.
    Strict {
        /// Files and directories that can be read, listed and executed.
        readable: Vec<PathBuf>,
        /// Files and directories with which everything can be done.
        writable: Vec<PathBuf>,
    },
}

impl FilesystemPolicy {
    /// Every path that it names.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let (first, second, third): (&[PathBuf], &[PathBuf], &[PathBuf]) = match self {
            Self::Open => (&[], &[], &[]),
            Self::Protect { hidden, read_only, own } => (hidden, read_only, own),
            Self::Strict { readable, writable } => (readable, writable, &[]),
        };
        first.iter().chain(second).chain(third)
    }
}
