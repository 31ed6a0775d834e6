//! One `attune dev` per directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::CliError;

/// How long to wait for a lock that somebody may be about to let go.
const PATIENCE: Duration = Duration::from_secs(1);

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// Held while `attune dev` runs. The kernel lets go of it however the process ends, so a lock that can be had proves that
/// whoever held it is dead.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    const NAME: &str = "lock";

    fn open(directory: &Path) -> Result<File, CliError> {
        let path = directory.join(Self::NAME);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        opened.map_err(CliError::file("opening", path))
    }

    /// Takes the lock of `directory`, or says who has it.
    ///
    /// Waits a moment first: a program that the holder was just starting when it was killed holds the lock until it has
    /// been replaced by that program (and only from then on can it be recognised and swept), and a command that looks
    /// whether the lock is held holds it for an instant.
    pub(crate) fn take(directory: &Path) -> Result<Self, CliError> {
        let mut file = Self::open(directory)?;
        let begun = Instant::now();
        let mut tried = file.try_lock();
        while matches!(tried, Err(TryLockError::WouldBlock)) && begun.elapsed() < PATIENCE {
            // `std::thread::sleep` is banned for the sake of actors; none runs yet.
            std::thread::park_timeout(PAUSE);
            tried = file.try_lock();
        }
        match tried {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who holds it is only a courtesy.
                let _ = file.read_to_string(&mut holder);
                return Err(CliError::usage(
                    format!("another `attune dev` (process {}) uses {}", holder.trim(), directory.display()),
                    "use that one, end it, or give this one a directory of its own: attune dev --dir DIR",
                ));
            }
            Err(TryLockError::Error(source)) => {
                return Err(CliError::File { doing: "locking", path: directory.join(Self::NAME), source });
            }
        }
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(CliError::file("writing", directory.join(Self::NAME)))?;
        Ok(Self { _file: file })
    }

    /// Whether somebody holds the lock of `directory`.
    pub(super) fn is_held(directory: &Path) -> bool {
        match File::open(directory.join(Self::NAME)) {
            Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_and_told_who_the_first_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let lock = Lock::take(directory.path()).expect("free");
        assert!(Lock::is_held(directory.path()));
        let refusal = Lock::take(directory.path()).expect_err("held").to_string();
        assert!(refusal.contains(&std::process::id().to_string()), "{refusal}");
        drop(lock);
        assert!(!Lock::is_held(directory.path()));
        Lock::take(directory.path()).expect("free again");
    }
}
