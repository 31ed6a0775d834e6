//! A file that an action hands over, on its way into a place of the worker's own.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A file that was looked at.
#[derive(Debug)]
pub(super) struct Offered {
    file: File,
    /// How many bytes it had then: so many are taken.
    pub(super) size: u64,
}

impl Offered {
    /// Looks at what came in. The descriptor is the action's choice, so it is asked before it is read: only a regular
    /// file, and no more of it than it has. What lies about its size (`/proc`) says that it has nothing, and something
    /// that grows is not followed.
    ///
    /// # Errors
    /// Why it is not taken.
    pub(super) fn look(file: OwnedFd) -> Result<Self, String> {
        let file = File::from(file);
        let about = file.metadata().map_err(|error| format!("it cannot be looked at: {error}"))?;
        if !about.is_file() {
            return Err("only a regular file can be kept".to_owned());
        }
        Ok(Self { file, size: about.len() })
    }

    /// Copies it into a new file at `path`.
    ///
    /// # Errors
    /// Why it is not taken.
    pub(super) fn copy(&self, path: &Path) -> Result<(), String> {
        let failed = |error: io::Error| format!("it cannot be copied: {error}");
        if let Some(parent) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        }
        let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        let mut source = Positioned { file: &self.file, position: 0 }.take(self.size);
        io::copy(&mut source, &mut target).map(drop).map_err(|error| {
            // A part of a file is no file.
            let _absent = fs::remove_file(path);
            failed(error)
        })
    }
}

/// Reads from the beginning wherever the descriptor stands: its position belongs to the action.
struct Positioned<'a> {
    file: &'a File,
    position: u64,
}

impl Read for Positioned<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.position)?;
        self.position += length as u64;
        Ok(length)
    }
}

/// Where the file number `number` of an attempt waits to be stored.
pub(super) fn waiting_place(directory: &Path, number: u64) -> PathBuf {
    directory.join(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, SeekFrom, Write};

    fn copy(file: OwnedFd, path: &Path) -> Result<u64, String> {
        let offered = Offered::look(file)?;
        offered.copy(path).map(|()| offered.size)
    }

    #[test]
    fn a_file_is_taken_whole_wherever_it_stands_and_nothing_else_is() {
        let directory = tempfile::tempdir().expect("directory");
        let target = directory.path().join("waiting/1");
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&[b'x'; 200_000]).expect("written");
        file.seek(SeekFrom::Start(7)).expect("positioned");
        assert_eq!(copy(file.try_clone().expect("a copy").into(), &target), Ok(200_000));
        assert_eq!(fs::read(&target).expect("read"), [b'x'; 200_000]);
        assert!(copy(file.into(), &target).expect_err("taken").contains("exists"));

        let other = directory.path().join("waiting/2");
        let (pipe, _end) = std::io::pipe().expect("a pipe");
        let writable = File::create(directory.path().join("written")).expect("a file");
        writable.set_len(10).expect("sized");
        for descriptor in [OwnedFd::from(File::open(directory.path()).expect("opens")), pipe.into(), writable.into()] {
            assert!(copy(descriptor, &other).is_err());
            assert!(!other.exists());
        }
        let endless = File::open("/proc/self/maps").expect("opens");
        assert_eq!(copy(endless.into(), &other), Ok(0));
    }
}
