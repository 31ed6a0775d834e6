//! The files of one attempt.

use std::ffi::{CStr, CString};
use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use rustix::io::Errno;

use super::removal::remove;
use super::result::{self, ResultBytes};
use super::spare_directories::{OwnDirectory, SpareDirectories, TEMPORARY};
use crate::executions::Key;

/// Where attempts may have files. Nothing of it is made until an attempt needs it: a script without files never
/// touches the disk.
///
/// The directory is held open, and everything in it is reached through that descriptor without following a link: what a
/// script puts in the place of its own directory leads nobody elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct WorkAreas {
    root: PathBuf,
    spare: Arc<SpareDirectories>,
}

/// The files of one attempt. Dropping it removes them.
#[derive(Debug)]
pub(crate) struct WorkArea {
    /// Where the action may write its result. Beside the directory, so that it can be offered without making one.
    pub(crate) result_file: PathBuf,
    /// Where the action is asked to leave files; likewise.
    pub(crate) artifacts_dir: PathBuf,
    artifacts_name: CString,
    has_artifacts_dir: bool,
    result_name: CString,
    path: PathBuf,
    name: CString,
    root: PathBuf,
    spare: Arc<SpareDirectories>,
    directory: Directory,
}

/// What directory an attempt has.
#[derive(Debug)]
enum Directory {
    /// None yet.
    None,
    /// One for its files, beside which result and artifacts lie.
    Beside(OwnedFd),
    /// One that everything of it lies in. `None` only while it is dropped.
    Around(Option<OwnDirectory>),
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl WorkAreas {
    /// Clears what an earlier life left under `root` and makes it. What cannot be cleared is left and logged: it is in
    /// nobody's way, for no two attempts have one name.
    pub(crate) fn open(root: PathBuf) -> io::Result<Self> {
        let outside = root.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(outside)?;
        let name = c_string(root.file_name().unwrap_or_default().as_encoded_bytes())?;
        let parent = openat(CWD, outside, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        if let Err(error) = remove(parent.as_fd(), &name) {
            tracing::warn!(path = %root.display(), error = &error as &dyn std::error::Error, "what an earlier life left could not be removed");
        }
        match mkdirat(&parent, &name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
        let held = openat(&parent, &name, DIRECTORY, Mode::empty())?;
        Ok(Self { root, spare: Arc::new(SpareDirectories::new(held)) })
    }

    /// The files of one attempt, none of which exists yet.
    pub(crate) fn area(&self, key: Key) -> WorkArea {
        let name = format!("{}.{}", key.execution, key.attempt);
        let (result_name, artifacts_name) = (format!("{name}.result"), format!("{name}.artifacts"));
        let c_name = |name: &str| CString::new(name).expect("numbers and dots hold no zero byte");
        WorkArea {
            result_file: self.root.join(&result_name),
            result_name: c_name(&result_name),
            artifacts_dir: self.root.join(&artifacts_name),
            artifacts_name: c_name(&artifacts_name),
            has_artifacts_dir: false,
            path: self.root.join(&name),
            name: c_name(&name),
            root: self.root.clone(),
            spare: Arc::clone(&self.spare),
            directory: Directory::None,
        }
    }
}

impl WorkArea {
    /// A directory of the attempt's own, made now when it does not exist.
    #[cfg(test)]
    pub(crate) fn directory(&mut self) -> io::Result<&Path> {
        self.held()?;
        Ok(&self.path)
    }

    /// Gives it a directory that everything of it lies in: for an action that may write nowhere else. The directory. Must
    /// be asked for before anything is written and before the action knows where its result file is.
    pub(crate) fn enclose(&mut self) -> io::Result<&Path> {
        let own = self.spare.take()?;
        self.name.clone_from(&own.name);
        self.path = self.root.join(own.name.to_string_lossy().as_ref());
        self.directory = Directory::Around(Some(own));
        self.result_name = c".result".to_owned();
        self.result_file = self.path.join(".result");
        self.artifacts_dir = self.path.join(".artifacts");
        self.artifacts_name = c".artifacts".to_owned();
        Ok(&self.path)
    }

    /// Makes a directory for temporary files inside the attempt's own.
    pub(crate) fn make_temporary_dir(&mut self) -> io::Result<PathBuf> {
        match &mut self.directory {
            Directory::Around(Some(own)) => own.make_temporary()?,
            _ => mkdirat(self.held()?, TEMPORARY, Mode::RWXU)?,
        }
        Ok(self.path.join(TEMPORARY.to_string_lossy().as_ref()))
    }

    /// Makes the directory in which the action is asked to leave files.
    pub(crate) fn make_artifacts_dir(&mut self) -> io::Result<()> {
        mkdirat(self.place_of_result(), &self.artifacts_name, Mode::RWXU)?;
        self.has_artifacts_dir = true;
        Ok(())
    }

    /// Writes a file into the directory; its path.
    pub(crate) fn write(&mut self, name: &str, content: &[u8], mode: u32) -> io::Result<PathBuf> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(self.held()?, name, flags, Mode::from_raw_mode(mode))?;
        File::from(file).write_all(content)?;
        Ok(self.path.join(name))
    }

    /// The result file, when the action wrote one.
    ///
    /// # Errors
    /// Why it is none that can be read.
    pub(crate) fn read_result(&self) -> Result<Option<ResultBytes>, String> {
        result::read_file(self.place_of_result(), &self.result_name)
    }

    /// Removes everything, away from the runtime's threads when there may be much of it.
    pub(crate) async fn clear(mut self) {
        self.give_back();
        if matches!(self.directory, Directory::None | Directory::Around(None)) && !self.has_artifacts_dir {
            drop(self);
            return;
        }
        if let Err(error) = tokio::task::spawn_blocking(move || drop(self)).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "removing a work directory failed");
        }
    }

    /// Hands an untouched directory to the next attempt.
    fn give_back(&mut self) {
        if let Directory::Around(own) = &mut self.directory {
            *own = own.take().and_then(|own| self.spare.give_back(own));
        }
    }

    fn held(&mut self) -> io::Result<BorrowedFd<'_>> {
        if matches!(self.directory, Directory::None) {
            mkdirat(self.spare.root(), &self.name, Mode::RWXU)?;
            self.directory = Directory::Beside(openat(self.spare.root(), &self.name, DIRECTORY, Mode::empty())?);
        }
        match &self.directory {
            Directory::Beside(held) => Ok(held.as_fd()),
            Directory::Around(Some(own)) => Ok(own.held()),
            Directory::None | Directory::Around(None) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn place_of_result(&self) -> BorrowedFd<'_> {
        match &self.directory {
            Directory::Around(Some(own)) => own.held(),
            _ => self.spare.root(),
        }
    }
}

impl Drop for WorkArea {
    fn drop(&mut self) {
        self.give_back();
        let remove = |name: &CStr| {
            if let Err(error) = remove(self.spare.root(), name) {
                tracing::warn!(path = %self.path.display(), error = &error as &dyn std::error::Error, "files of an attempt could not be removed");
            }
        };
        // The action may have written the file or not; either way it must be gone.
        if !matches!(self.directory, Directory::Around(_)) {
            remove(&self.result_name);
            // Even when it was not made: an action that was told of it may have.
            remove(&self.artifacts_name);
        }
        if matches!(self.directory, Directory::Beside(_) | Directory::Around(Some(_))) {
            remove(&self.name);
        }
    }
}

fn c_string(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

#[cfg(test)]
#[path = "work_area_tests.rs"]
mod tests;
