//! Looks through a directory that cannot be trusted, without leaving it.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, open, openat, openat2, statat};
use rustix::io::Errno;

/// How deep directories may lie in each other.
const DEEPEST: usize = 32;

/// Something that is no directory.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its name below the root, with `/` between the parts; `None` for the part that is no text.
    pub(crate) name: Result<String, OsString>,
    pub(crate) kind: FileType,
    pub(crate) size: u64,
    pub(crate) links: u64,
    pub(crate) identity: (u64, u64),
}

/// A directory that cannot be trusted.
#[derive(Debug)]
pub(crate) struct Tree {
    root: OwnedFd,
}

impl Tree {
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self { root: open(directory, flags, Mode::empty())? })
    }

    /// Everything in it that is no directory, at most `most` of them. `false` when there is more, or it is too deep.
    pub(crate) fn entries(&self, most: usize) -> io::Result<(Vec<Entry>, bool)> {
        let mut entries = Vec::new();
        let root = self.root.try_clone()?;
        let is_all = walk(root, "", 0, most, &mut entries)?;
        Ok((entries, is_all))
    }

    /// Opens a regular file for reading, without following any link and without waiting for anybody.
    pub(crate) fn file(&self, name: &str) -> io::Result<(File, Stat)> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = beneath(self.root.as_fd(), name, flags)?;
        let stat = fstat(&opened)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("it is no regular file"));
        }
        Ok((File::from(opened), stat))
    }
}

/// Opens something below a directory. Kernels without `openat2`, and sandboxes that refuse it, are walked component by
/// component, each of which may be no link.
fn beneath(root: BorrowedFd<'_>, name: &str, flags: OFlags) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(root, name, flags, Mode::empty(), resolve) {
        Err(Errno::NOSYS | Errno::PERM) => {}
        other => return Ok(other?),
    }
    let mut directory = root.try_clone_to_owned()?;
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        if matches!(part, "" | "." | "..") {
            return Err(Errno::XDEV.into());
        }
        if parts.peek().is_none() {
            return Ok(openat(&directory, part, flags | OFlags::NOFOLLOW, Mode::empty())?);
        }
        let through = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        directory = openat(&directory, part, through, Mode::empty())?;
    }
    Err(Errno::NOENT.into())
}

fn walk(directory: OwnedFd, prefix: &str, depth: usize, most: usize, entries: &mut Vec<Entry>) -> io::Result<bool> {
    let mut is_all = true;
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let bytes = entry.file_name().to_bytes();
        if matches!(bytes, b"." | b"..") {
            continue;
        }
        if entries.len() == most {
            return Ok(false);
        }
        let stat = match statat(&directory, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => continue,
            Err(error) => return Err(error.into()),
        };
        let name = match std::str::from_utf8(bytes) {
            Ok(name) => Ok(format!("{prefix}{name}")),
            Err(_) => Err(OsString::from_vec([prefix.as_bytes(), bytes].concat())),
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        if let (FileType::Directory, Ok(name)) = (kind, &name) {
            if depth == DEEPEST {
                is_all = false;
                continue;
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match openat(&directory, entry.file_name(), flags, Mode::empty()) {
                Ok(inner) => is_all &= walk(inner, &format!("{name}/"), depth + 1, most, entries)?,
                // One that shuts its owner out keeps what is in it.
                Err(Errno::ACCESS | Errno::NOENT) => is_all = false,
                Err(error) => return Err(error.into()),
            }
            continue;
        }
        #[allow(clippy::unnecessary_cast, reason = "the width of these differs between architectures")]
        entries.push(Entry {
            name,
            kind,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            links: stat.st_nlink as u64,
            identity: (stat.st_dev as u64, stat.st_ino as u64),
        });
    }
    Ok(is_all)
}
