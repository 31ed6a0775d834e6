//! The directory in which a worker keeps what must survive it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use attune_types::Incarnation;

/// The directory in which a worker keeps what must survive it, and the proof that no other life uses it: a lock that
/// the kernel lifts when the process dies, however it dies.
#[derive(Debug)]
pub(crate) struct Home {
    directory: PathBuf,
    /// The life that used the directory before and is certainly over.
    previous: Option<Incarnation>,
    _lock: Option<File>,
}

impl Home {
    /// Moves into `directory` for this life.
    ///
    /// When another living process is in there, this life gets a corner of its own, no life before is known to be over,
    /// and nothing is claimed about it.
    pub(crate) fn enter(directory: &Path, incarnation: Incarnation) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let path = directory.join("incarnation");
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let is_mine = match file.try_lock() {
            Ok(()) => true,
            Err(fs::TryLockError::WouldBlock) => false,
            Err(fs::TryLockError::Error(error)) => return Err(error),
        };
        let mut previous = None;
        if is_mine {
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            previous = text.trim().parse().ok();
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(incarnation.to_string().as_bytes())?;
        }
        if is_mine {
            return Ok(Self { directory: directory.to_owned(), previous, _lock: Some(file) });
        }
        let aside = directory.join(incarnation.to_string());
        DirBuilder::new().mode(0o700).create(&aside)?;
        Ok(Self { directory: aside, previous: None, _lock: None })
    }

    /// The life that used the directory before and is certainly over.
    pub(crate) const fn previous(&self) -> Option<Incarnation> {
        self.previous
    }

    /// Its path, the same however it was written in the configuration.
    pub(crate) fn path(&self) -> PathBuf {
        fs::canonicalize(&self.directory).unwrap_or_else(|_| self.directory.clone())
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_life_that_is_over_is_known_as_the_previous_one() {
        let directory = tempfile::tempdir().expect("directory");
        let life = |number: u8| Incarnation([number; 16]);
        let first = Home::enter(directory.path(), life(1)).expect("enters");
        assert_eq!(first.previous(), None);
        let beside = Home::enter(directory.path(), life(2)).expect("enters");
        assert_ne!(beside.join("x"), first.join("x"), "they share nothing");
        assert_eq!(beside.previous(), None, "the first life is not over");
        drop(first);
        let next = Home::enter(directory.path(), life(3)).expect("enters");
        assert_eq!(next.previous(), Some(life(1)));
    }
}
