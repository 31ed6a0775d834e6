//! A place where content is kept.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use attune_types::{AttemptNumber, ExecutionId};
use sha2::{Digest as _, Sha256};

use crate::local_place::LocalPlace;
use crate::place_error::PlaceError;
use crate::s3_place::{S3Options, S3Place};

/// How much of a file is in memory at once.
const BUFFER_BYTES: usize = 128 << 10;

/// A place where content is kept.
#[derive(Debug, Clone)]
pub enum Place {
    /// A directory of this machine, or one that several share.
    Local(LocalPlace),
    /// A bucket.
    S3(S3Place),
}

/// What was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where.
    pub location: String,
    /// How many bytes.
    pub size_bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// Content to be read.
pub struct Content {
    /// The bytes.
    pub reader: Box<dyn Read + Send + Sync>,
    /// How many there are, when that is known.
    pub size_bytes: Option<u64>,
}

impl Place {
    /// The place of this bucket, or else of this directory.
    ///
    /// # Errors
    /// [`PlaceError::Misconfigured`].
    pub fn of(bucket: Option<&S3Options>, directory: &Path) -> Result<Self, PlaceError> {
        Ok(match bucket {
            Some(options) => Self::S3(S3Place::new(options)?),
            None => Self::Local(LocalPlace::new(directory)),
        })
    }

    /// Stores the content of `file` from its beginning, as `name` of an attempt. What was stored there before is
    /// replaced. The name must have been checked: [`check_name`](crate::check_name).
    ///
    /// # Errors
    /// [`PlaceError`]; then nothing can be seen of it.
    pub fn put(
        &self,
        execution: ExecutionId,
        attempt: AttemptNumber,
        name: &str,
        file: &mut File,
    ) -> Result<Stored, PlaceError> {
        let reading = PlaceError::io("read a file that was left behind");
        file.rewind().map_err(&reading)?;
        match self {
            Self::Local(place) => place.put(execution, attempt, name, file),
            Self::S3(place) => {
                let mut digest = Digest::default();
                copy(file, &mut digest, &mut io::sink()).map_err(&reading)?;
                file.rewind().map_err(&reading)?;
                place.put(execution, attempt, name, file, &digest)
            }
        }
    }

    /// Opens what is at `location`.
    ///
    /// # Errors
    /// [`PlaceError`]: nothing is there, or it is not a location of this place.
    pub fn open(&self, location: &str) -> Result<Content, PlaceError> {
        match self {
            Self::Local(place) => place.open(location),
            Self::S3(place) => place.open(location),
        }
    }

    /// Removes what is at `location`. Nothing there is no error.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn remove(&self, location: &str) -> Result<(), PlaceError> {
        match self {
            Self::Local(place) => place.remove(location),
            Self::S3(place) => place.remove(location),
        }
    }

    /// What locations begin with that anybody with this place can reach; empty for a directory, which another machine
    /// of the same configuration need not share.
    #[must_use]
    pub fn shared_prefix(&self) -> String {
        match self {
            Self::Local(_) => String::new(),
            Self::S3(place) => place.location_prefix(),
        }
    }
}

/// What was seen of content so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Digest {
    hash: Sha256,
    pub(crate) size_bytes: u64,
}

impl Digest {
    pub(crate) fn bytes(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }

    pub(crate) fn hexadecimal(&self) -> String {
        hexadecimal(&self.bytes())
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Copies everything.
pub(crate) fn copy(from: &mut dyn Read, digest: &mut Digest, to: &mut dyn io::Write) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        digest.hash.update(&buffer[..count]);
        digest.size_bytes += count as u64;
        to.write_all(&buffer[..count])?;
    }
}
