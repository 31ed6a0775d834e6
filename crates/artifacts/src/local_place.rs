//! A directory in which content is kept.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use attune_types::{AttemptNumber, ExecutionId};
use sha2::{Digest as _, Sha256};

use crate::place::{Content, Digest, Stored, copy, hexadecimal};
use crate::place_error::PlaceError;

const SCHEME: &str = "file:";
/// Where files are written before they are renamed; a name that no execution has.
const INCOMING: &str = "incoming";

/// A directory in which content is kept, as `EXECUTION/ATTEMPT/SHA-256 of the name`.
#[derive(Debug, Clone)]
pub struct LocalPlace {
    directory: PathBuf,
}

impl LocalPlace {
    /// Keeps content below `directory`, which is made when something is stored.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Removes what an earlier life of the only writer called `writer` left half written.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn clear_incoming(&self, writer: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.directory.join(INCOMING).join(hash_of(writer))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    pub(crate) fn put(
        &self,
        execution: ExecutionId,
        attempt: AttemptNumber,
        name: &str,
        file: &mut File,
    ) -> Result<Stored, PlaceError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let location = format!("{SCHEME}{execution}/{attempt}/{}", hash_of(name));
        let path = self.path(&location)?;
        let incoming = self.directory.join(INCOMING);
        let unique = format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let aside = incoming.join(format!("{execution}-{attempt}-{unique}"));
        make(&incoming)?;
        let stored = write_aside(&aside, file).and_then(|digest| {
            if let Some(parent) = path.parent() {
                make(parent)?;
            }
            fs::rename(&aside, &path).map_err(PlaceError::io("put an artifact in its place"))?;
            Ok(Stored { location, size_bytes: digest.size_bytes, sha256: digest.hexadecimal() })
        });
        if stored.is_err() {
            // The first error is the one that matters.
            let _gone = fs::remove_file(&aside);
        }
        stored
    }

    pub(crate) fn open(&self, location: &str) -> Result<Content, PlaceError> {
        let path = self.path(location)?;
        let opened = OpenOptions::new().read(true).custom_flags(NO_FOLLOW).open(path);
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(PlaceError::Missing { location: location.to_owned() });
            }
            Err(source) => return Err(PlaceError::io("open an artifact")(source)),
        };
        let metadata = file.metadata().map_err(PlaceError::io("open an artifact"))?;
        Ok(Content { reader: Box::new(file), size_bytes: Some(metadata.len()) })
    }

    pub(crate) fn remove(&self, location: &str) -> Result<(), PlaceError> {
        let path = self.path(location)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(PlaceError::io("remove an artifact")(error));
            }
            _ => {}
        }
        // The directories of the attempt and of the execution go with their last file.
        for directory in path.ancestors().skip(1).take(2) {
            if fs::remove_dir(directory).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// The path of a location, which consists of two numbers and a hash whoever wrote it.
    fn path(&self, location: &str) -> Result<PathBuf, PlaceError> {
        let foreign =
            || PlaceError::Foreign { location: location.to_owned(), place: self.directory.display().to_string() };
        let mut parts = location.strip_prefix(SCHEME).ok_or_else(foreign)?.split('/');
        let (Some(execution), Some(attempt), Some(name), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(foreign());
        };
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_hash = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_number(execution) && is_number(attempt) && is_hash {
            Ok(self.directory.join(execution).join(attempt).join(name))
        } else {
            Err(foreign())
        }
    }
}

/// O_NOFOLLOW and O_NONBLOCK, as the kernel numbers them.
#[expect(clippy::cast_possible_wrap, reason = "flags of the kernel are small")]
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.union(rustix::fs::OFlags::NONBLOCK).bits() as i32;

fn write_aside(aside: &Path, file: &mut File) -> Result<Digest, PlaceError> {
    let writing = PlaceError::io("write an artifact");
    let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(aside).map_err(&writing)?;
    let mut digest = Digest::default();
    copy(file, &mut digest, &mut target).map_err(&writing)?;
    target.sync_all().map_err(&writing)?;
    Ok(digest)
}

fn make(directory: &Path) -> Result<(), PlaceError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(PlaceError::io("make a directory for artifacts"))
}

fn hash_of(name: &str) -> String {
    hexadecimal(&Sha256::digest(name.as_bytes()))
}
