//! Directories that attempts had for themselves and left as they got them.
//!
//! Making and removing a directory costs more than starting a shell does, on file systems that look for a place first. Most
//! actions write nothing into theirs. So one that is exactly as it was made is given to the next attempt instead of being
//! removed; one that was touched in any way is removed.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{Mode, OFlags, RawDir, SeekFrom, Stat, fstat, mkdirat, openat, seek};

use super::removal::remove;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The directory for temporary files inside a directory.
pub(crate) const TEMPORARY: &CStr = c".tmp";

/// An open directory and how it was when it was made.
#[derive(Debug)]
struct Kept {
    held: OwnedFd,
    made: Traits,
}

/// By what a directory is known to be as it was made. The time of change tells of every change of mode, owner, attributes
/// and entries, but counts in ticks; so the entries are looked at as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Traits {
    mode: u32,
    owner: (u32, u32),
    links: u64,
    changed: (i64, i64),
}

impl Traits {
    fn of(held: BorrowedFd<'_>) -> io::Result<Self> {
        let Stat { st_mode, st_uid, st_gid, st_nlink, st_ctime, st_ctime_nsec, .. } = fstat(held)?;
        #[allow(clippy::useless_conversion, reason = "the widths of these fields differ between architectures")]
        Ok(Self {
            mode: st_mode,
            owner: (st_uid, st_gid),
            links: st_nlink.into(),
            changed: (st_ctime, i64::try_from(st_ctime_nsec).unwrap_or(0)),
        })
    }
}

impl Kept {
    fn make(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<Self> {
        mkdirat(parent, name, Mode::RWXU)?;
        let held = openat(parent, name, DIRECTORY, Mode::empty())?;
        let made = Traits::of(held.as_fd())?;
        Ok(Self { held, made })
    }

    /// Whether it is as it was made, but for the one entry that we made in it.
    fn is_untouched(&self, but_for: Option<&CStr>) -> io::Result<bool> {
        if Traits::of(self.held.as_fd())? != self.made {
            return Ok(false);
        }
        seek(&self.held, SeekFrom::Start(0))?;
        let mut buffer = [const { std::mem::MaybeUninit::uninit() }; 512];
        let mut entries = RawDir::new(&self.held, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name();
            if name != c"." && name != c".." && Some(name) != but_for {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A directory of an attempt's own.
#[derive(Debug)]
pub(crate) struct OwnDirectory {
    pub(crate) name: CString,
    directory: Kept,
    temporary: Option<Kept>,
}

impl OwnDirectory {
    fn make(root: BorrowedFd<'_>, name: CString) -> io::Result<Self> {
        let directory = Kept::make(root, &name)?;
        Ok(Self { name, directory, temporary: None })
    }

    /// The directory.
    pub(crate) fn held(&self) -> BorrowedFd<'_> {
        self.directory.held.as_fd()
    }

    /// Makes [`TEMPORARY`] inside it, unless it is there.
    pub(crate) fn make_temporary(&mut self) -> io::Result<()> {
        if self.temporary.is_none() {
            self.temporary = Some(Kept::make(self.directory.held.as_fd(), TEMPORARY)?);
            // That changed the directory itself.
            self.directory.made = Traits::of(self.directory.held.as_fd())?;
        }
        Ok(())
    }

    /// Whether nobody can tell that it was ever used.
    fn is_untouched(&self) -> bool {
        let but_for = self.temporary.as_ref().map(|_| TEMPORARY);
        let inner = self.temporary.as_ref().map_or(Ok(true), |temporary| temporary.is_untouched(None));
        matches!((self.directory.is_untouched(but_for), inner), (Ok(true), Ok(true)))
    }
}

/// Directories that wait for an attempt. There are never more than attempts that ran at once. Dropping it removes them.
#[derive(Debug)]
pub(crate) struct SpareDirectories {
    root: OwnedFd,
    waiting: Mutex<Vec<OwnDirectory>>,
    made: AtomicU64,
}

impl SpareDirectories {
    pub(crate) const fn new(root: OwnedFd) -> Self {
        Self { root, waiting: Mutex::new(Vec::new()), made: AtomicU64::new(0) }
    }

    /// The directory that all of them lie in.
    pub(crate) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// One that nobody has.
    pub(crate) fn take(&self) -> io::Result<OwnDirectory> {
        if let Some(waiting) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(waiting);
        }
        let name = format!("own-{}", self.made.fetch_add(1, Ordering::Relaxed));
        OwnDirectory::make(self.root.as_fd(), CString::new(name)?)
    }

    /// Takes one back if it is as it was made; else it comes back, to be removed.
    pub(crate) fn give_back(&self, directory: OwnDirectory) -> Option<OwnDirectory> {
        if !directory.is_untouched() {
            return Some(directory);
        }
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(directory);
        None
    }
}

impl Drop for SpareDirectories {
    fn drop(&mut self) {
        for directory in self.waiting.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // What is left is cleared by the next life.
            let _left = remove(self.root.as_fd(), &directory.name);
        }
    }
}
