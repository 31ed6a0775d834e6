//! Keeps what lies beside the path to a protected directory from one child to the next.
//!
//! The rules need a descriptor of every entry of a few directories such as `/` and `/var/lib`, which hardly ever
//! change. Opening them costs three times what the rules cost, so a guard keeps them, and looks each time whether
//! they still hold: the directory is the same and was not changed, and nothing was mounted or unmounted anywhere.
//! File systems of the kernel's own, such as that of control groups, do not always tell of a change. What is new there
//! may then stay out of a child's reach; what is out of its reach never comes into it.

use std::collections::HashMap;
use std::ffi::{CString, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::clock;
use crate::sandbox::kernel;
use crate::system::{self, FIRST_PARKED};

/// More descriptors than this are not kept for one directory. When it changed last is, so rules that were made from it
/// still need not be written again.
const MOST_KEPT: usize = 256;

/// A directory whose last change is younger than this (in microseconds) may change again without its time of change
/// telling: file systems count in ticks of some milliseconds.
const TOO_YOUNG: i64 = 50_000;

/// One entry of a directory that a rule can be written for.
#[derive(Debug)]
pub(super) struct Neighbour {
    pub(super) name: OsString,
    pub(super) file: OwnedFd,
    pub(super) is_directory: bool,
}

/// By what a directory is known to be unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(directory: &Path) -> io::Result<Self> {
        let status = std::fs::metadata(directory)?;
        Ok(Self {
            device: status.dev(),
            inode: status.ino(),
            modified: (status.mtime(), status.mtime_nsec()),
            changed: (status.ctime(), status.ctime_nsec()),
        })
    }

    /// Whether a change after `now` is certain to give another stamp.
    const fn is_settled(&self, now_micros: i64) -> bool {
        let (seconds, nanoseconds) = self.changed;
        now_micros - (seconds.saturating_mul(1_000_000) + nanoseconds / 1000) > TOO_YOUNG
    }
}

/// The entries of directories, kept while they are certain to hold.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    kept: HashMap<PathBuf, Kept>,
    mounts: Option<File>,
    /// What was read last and may not be kept.
    passing: Vec<Neighbour>,
}

/// What is kept of a directory.
#[derive(Debug)]
struct Kept {
    stamp: Stamp,
    /// `None`: there are too many.
    entries: Option<Vec<Neighbour>>,
}

impl Neighbours {
    /// By what the entries of a directory are known to hold, when that is certain.
    pub(super) fn stamp(&self, directory: &Path) -> Option<Stamp> {
        self.kept.get(directory).map(|kept| kept.stamp)
    }

    /// Whether what was read under these stamps still holds. Not after a mount: [`Neighbours::refresh`] forgets then.
    pub(super) fn still_hold(&self, stamps: &[(PathBuf, Stamp)]) -> bool {
        stamps.iter().all(|(directory, stamp)| {
            self.stamp(directory) == Some(*stamp) && Stamp::of(directory).is_ok_and(|now| now == *stamp)
        })
    }

    /// Forgets everything if something was mounted or unmounted since the last time. To be called once for each set of
    /// rules: a rule for a directory does not hold for what is mounted over it.
    pub(super) fn refresh(&mut self) {
        let is_unchanged = self.mounts.as_ref().is_some_and(|mounts| !kernel::has_news(mounts.as_fd()));
        if !is_unchanged {
            self.kept.clear();
            if self.mounts.is_none() {
                self.mounts = File::open("/proc/self/mountinfo").ok();
            }
        }
    }

    /// The entries of a directory, but for links, up to `most`. `None`: it cannot be listed.
    pub(super) fn of(&mut self, directory: &Path, most: usize) -> Option<&[Neighbour]> {
        let stamp = Stamp::of(directory).ok()?;
        if !matches!(self.kept.get(directory), Some(Kept { stamp: known, entries: Some(_) }) if *known == stamp) {
            self.kept.remove(directory);
            let now = clock::wall();
            let read = read(directory, most).ok()?;
            let is_certain = self.mounts.is_some() && stamp.is_settled(now);
            let are_few = read.len() <= MOST_KEPT;
            let (entries, passing) = if is_certain && are_few { (Some(read), Vec::new()) } else { (None, read) };
            self.passing = passing;
            if is_certain {
                self.kept.insert(directory.to_owned(), Kept { stamp, entries });
            }
        }
        match self.kept.get(directory) {
            Some(Kept { entries: Some(entries), .. }) => Some(entries),
            _ => Some(&self.passing),
        }
    }
}

/// Entries that come and go meanwhile are no error; those that cannot be named, the child cannot reach either.
fn read(directory: &Path, most: usize) -> io::Result<Vec<Neighbour>> {
    let opened = File::open(directory)?;
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(directory)?.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        // A rule for a link would mean nothing: rules hold for what a path leads to.
        if kind.is_symlink() {
            continue;
        }
        if entries.len() >= most {
            break;
        }
        let name = entry.file_name();
        let Ok(text) = CString::new(name.as_bytes()) else { continue };
        let parked = kernel::locate_in(opened.as_fd(), &text)
            .and_then(|file| system::duplicate_from(file.as_fd(), FIRST_PARKED));
        if let Ok(file) = parked {
            entries.push(Neighbour { name, file, is_directory: kind.is_dir() });
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(neighbours: &mut Neighbours, directory: &Path) -> Vec<String> {
        neighbours.refresh();
        let entries = neighbours.of(directory, 100).expect("it can be listed");
        let mut names: Vec<_> = entries.iter().map(|entry| entry.name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_directory_that_changes_is_read_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut neighbours = Neighbours::default();
        for round in 0..50 {
            let name = format!("{round:02}");
            std::fs::write(directory.path().join(&name), "").expect("a file");
            assert_eq!(names(&mut neighbours, directory.path()).last(), Some(&name));
        }
        std::fs::remove_file(directory.path().join("49")).expect("a file");
        assert_eq!(names(&mut neighbours, directory.path()).len(), 49);
    }

    #[test]
    fn a_directory_that_does_not_change_is_read_once() {
        let mut neighbours = Neighbours::default();
        // Nothing is made or removed here while tests run.
        let directory = Path::new("/usr");
        let first = names(&mut neighbours, directory);
        assert!(neighbours.kept.contains_key(directory), "kept");
        let entries = neighbours.of(directory, 100).expect("kept").as_ptr();
        assert_eq!(neighbours.of(directory, 100).expect("kept").as_ptr(), entries, "the same ones");
        assert_eq!(names(&mut neighbours, directory), first);
    }

    #[test]
    fn of_a_directory_with_many_entries_only_the_time_of_its_change_is_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        for number in 0..=MOST_KEPT {
            std::fs::write(directory.path().join(number.to_string()), "").expect("a file");
        }
        let mut neighbours = Neighbours::default();
        neighbours.refresh();
        // Until its last change is old enough to be told from the next.
        let stamp = loop {
            assert_eq!(neighbours.of(directory.path(), 4096).map(<[_]>::len), Some(MOST_KEPT + 1));
            if let Some(stamp) = neighbours.stamp(directory.path()) {
                break stamp;
            }
            std::thread::yield_now();
        };
        assert!(neighbours.kept[directory.path()].entries.is_none(), "no descriptor is kept");
        let made_from = [(directory.path().to_owned(), stamp)];
        assert!(neighbours.still_hold(&made_from));
        std::fs::remove_file(directory.path().join("7")).expect("a file");
        assert!(!neighbours.still_hold(&made_from), "it has changed");
        assert_eq!(neighbours.of(directory.path(), 4096).map(<[_]>::len), Some(MOST_KEPT));
    }

    #[test]
    fn what_changed_a_moment_ago_is_not_kept() {
        let stamp = Stamp { device: 1, inode: 1, modified: (10, 0), changed: (10, 0) };
        assert!(!stamp.is_settled(10_000_000));
        assert!(!stamp.is_settled(10_050_000));
        assert!(stamp.is_settled(10_050_001));
        assert!(!Stamp { changed: (i64::MAX, 0), ..stamp }.is_settled(10_050_001), "clocks that disagree");
    }

    #[test]
    fn a_directory_that_cannot_be_listed_has_no_neighbours() {
        assert!(Neighbours::default().of(Path::new("/nowhere/at/all"), 10).is_none());
    }
}
