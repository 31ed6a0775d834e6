//! Removes what a script left, whatever it is.
//!
//! Only names that stand directly in a directory that is held open are ever touched, and none is followed: a symbolic
//! link that takes the place of a directory is removed itself. A deep tree is not walked but flattened: every directory
//! that is not empty is moved to the top first, so that neither descriptors nor the stack grow with its depth
//! (`std::fs::remove_dir_all` keeps one descriptor per level, and gives up at a directory without permissions).

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, IFlags, Mode, OFlags, Stat, chmodat, fstat, ioctl_getflags, ioctl_setflags, openat,
    renameat, statat, unlinkat,
};
use rustix::io::Errno;

/// How often one directory is read again because it was not empty after all. Nobody adds to it once its processes are
/// gone; a stranger who does is not outrun.
const MOST_ROUNDS: usize = 64;
/// How many names are tried for a directory that is moved to the top.
const MOST_NAMES: usize = 1000;

/// Removes `name`, which stands in `parent`, with everything below it. It is no error when it is not there.
///
/// # Errors
/// The first thing that could not be removed; everything else was.
pub(crate) fn remove(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(_) => {}
    }
    let device = fstat(parent)?.st_dev;
    let mut removal = Removal { parent, base: name, device, names: 0, waiting: vec![name.to_owned()], failure: None };
    while let Some(next) = removal.waiting.pop() {
        if let Err(errno) = removal.remove_directory(&next) {
            removal.failure.get_or_insert(errno);
        }
    }
    removal.failure.map_or(Ok(()), |errno| Err(errno.into()))
}

struct Removal<'a> {
    parent: BorrowedFd<'a>,
    base: &'a CStr,
    device: u64,
    names: u64,
    /// Directories in `parent` that are still to be removed.
    waiting: Vec<CString>,
    failure: Option<Errno>,
}

impl Removal<'_> {
    /// Removes a directory of `parent`; directories in it that are not empty are moved up and wait.
    fn remove_directory(&mut self, name: &CStr) -> Result<(), Errno> {
        let directory = match open_directory(self.parent, name) {
            Ok(directory) => directory,
            // It is none, or no more: a link, a file that resisted, nothing.
            Err(Errno::NOTDIR | Errno::LOOP) => return unlink(self.parent, name),
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(errno),
        };
        let stat = fstat(&directory)?;
        if stat.st_dev != self.device {
            // Something is mounted there. Its content is nobody's to remove.
            return Err(Errno::XDEV);
        }
        if let Err(errno) = make_accessible(directory.as_fd(), &stat) {
            clear_flags(directory.as_fd());
            make_accessible(directory.as_fd(), &stat).map_err(|_| errno)?;
        }
        for _ in 0..MOST_ROUNDS {
            if self.empty(&directory)? == 0 {
                break;
            }
        }
        match unlinkat(self.parent, name, AtFlags::REMOVEDIR) {
            Err(Errno::PERM) => {
                clear_flags(directory.as_fd());
                unlinkat(self.parent, name, AtFlags::REMOVEDIR)
            }
            Err(Errno::NOENT) => Ok(()),
            other => other,
        }
    }

    /// Removes everything in a directory, or moves it up; how much that was.
    fn empty(&mut self, directory: &OwnedFd) -> Result<usize, Errno> {
        let mut done = 0;
        for entry in Dir::read_from(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            match self.remove_entry(directory.as_fd(), name) {
                Ok(()) => done += 1,
                Err(errno) => {
                    self.failure.get_or_insert(errno);
                }
            }
        }
        Ok(done)
    }

    fn remove_entry(&mut self, directory: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
        match unlinkat(directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(_) => {}
        }
        let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if !FileType::from_raw_mode(stat.st_mode).is_dir() {
            return unlink(directory, name);
        }
        if unlinkat(directory, name, AtFlags::REMOVEDIR).is_ok() {
            return Ok(());
        }
        // A full directory. It must be writable to be moved, for the name of its parent stands in it.
        match self.move_up(directory, name) {
            Err(Errno::ACCESS | Errno::PERM) => {
                clear_flags(directory);
                let inner = open_directory(directory, name)?;
                let stat = fstat(&inner)?;
                if stat.st_dev != self.device {
                    return Err(Errno::XDEV);
                }
                clear_flags(inner.as_fd());
                make_accessible(inner.as_fd(), &stat)?;
                self.move_up(directory, name)
            }
            other => other,
        }
    }

    fn move_up(&mut self, directory: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
        let base = self.base.to_string_lossy();
        for _ in 0..MOST_NAMES {
            self.names += 1;
            let top = CString::new(format!(".{base}.{}", self.names)).map_err(|_| Errno::INVAL)?;
            match renameat(directory, name, self.parent, &top) {
                Ok(()) => {
                    self.waiting.push(top);
                    return Ok(());
                }
                // What an interrupted removal left.
                Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Err(Errno::EXIST)
    }
}

/// Opens a directory without following anything; one that may not be read is made readable first.
fn open_directory(parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(parent, name, flags, Mode::empty()) {
        Err(Errno::ACCESS) => {
            // A descriptor that is only a path can be had without permission, and names this very directory for ever.
            let path = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let held = openat(parent, name, path, Mode::empty())?;
            chmodat(CWD, format!("/proc/self/fd/{}", held.as_raw_fd()), Mode::RWXU, AtFlags::empty())?;
            openat(parent, name, flags, Mode::empty())
        }
        other => other,
    }
}

fn make_accessible(directory: BorrowedFd<'_>, stat: &Stat) -> Result<(), Errno> {
    if Mode::from_raw_mode(stat.st_mode).contains(Mode::RWXU) {
        return Ok(());
    }
    rustix::fs::fchmod(directory, Mode::RWXU)
}

/// Removes what is no directory, also when it or the directory around it was made immutable.
fn unlink(directory: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    match unlinkat(directory, name, AtFlags::empty()) {
        Err(Errno::PERM) => {
            clear_flags(directory);
            let is_file = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
                .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_file());
            if is_file {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                if let Ok(file) = openat(directory, name, flags, Mode::empty()) {
                    clear_flags(file.as_fd());
                }
            }
            unlinkat(directory, name, AtFlags::empty())
        }
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

/// Takes away the marks of `chattr +i` and `+a`. Only root can set them, and then root can take them away.
fn clear_flags(file: BorrowedFd<'_>) {
    if let Ok(flags) = ioctl_getflags(file) {
        let marks = IFlags::IMMUTABLE | IFlags::APPEND;
        if flags.intersects(marks) {
            // What still cannot be removed is reported by whoever tries next.
            let _refused = ioctl_setflags(file, flags - marks);
        }
    }
}
