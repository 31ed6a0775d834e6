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
    /// This life.
    incarnation: Incarnation,
    /// The lives that used the directory before, since one last registered, and that one. They are certainly over.
    over: Vec<Incarnation>,
    /// The list of lives, locked as long as this one lasts.
    lives: Option<File>,
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
        if !is_mine {
            let aside = directory.join(incarnation.to_string());
            DirBuilder::new().mode(0o700).create(&aside)?;
            return Ok(Self { directory: aside, incarnation, over: Vec::new(), lives: None });
        }
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        // Appended: a life that ends before the store knows it must not hide the one that the store still knows.
        file.write_all(format!("\n{incarnation}").as_bytes())?;
        let over = text.lines().filter_map(|line| line.trim().parse().ok()).collect();
        Ok(Self { directory: directory.to_owned(), incarnation, over, lives: Some(file) })
    }

    /// Whether any life used this directory before this one.
    pub(crate) fn has_earlier_lives(&self) -> bool {
        !self.over.is_empty()
    }

    /// Whether `life` used this directory before this one, and so is certainly over.
    pub(crate) fn is_over(&self, life: Incarnation) -> bool {
        self.over.contains(&life)
    }

    /// The store knows this life now: nobody will ask about those before it.
    pub(crate) fn forget_earlier_lives(&self) -> io::Result<()> {
        let Some(mut file) = self.lives.as_ref() else { return Ok(()) };
        // Written over from the front and cut afterwards: whenever that is interrupted, this life is in the list. What is
        // left of another line is no life.
        let text = self.incarnation.to_string();
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)
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
    fn only_a_life_that_is_over_is_known_to_be() {
        let directory = tempfile::tempdir().expect("directory");
        let life = |number: u8| Incarnation([number; 16]);
        let first = Home::enter(directory.path(), life(1)).expect("enters");
        let beside = Home::enter(directory.path(), life(2)).expect("enters");
        assert_ne!(beside.join("x"), first.join("x"), "they share nothing");
        assert!(!beside.is_over(life(1)), "the first life goes on");
        assert!(!first.has_earlier_lives() && !beside.has_earlier_lives());
        drop(first);
        let next = Home::enter(directory.path(), life(3)).expect("enters");
        assert!(next.is_over(life(1)) && !next.is_over(life(2)) && !next.is_over(life(3)));
    }

    #[test]
    fn a_life_that_never_registered_does_not_hide_the_one_before_it() {
        let directory = tempfile::tempdir().expect("directory");
        let life = |number: u8| Incarnation([number; 16]);
        let enter = |number| Home::enter(directory.path(), life(number)).expect("enters");
        enter(1).forget_earlier_lives().expect("writes");
        drop(enter(2));
        let third = enter(3);
        assert!(third.is_over(life(1)) && third.is_over(life(2)));
        third.forget_earlier_lives().expect("writes");
        drop(third);
        let fourth = enter(4);
        assert!(fourth.is_over(life(3)) && !fourth.is_over(life(1)) && !fourth.is_over(life(2)));
    }
}
