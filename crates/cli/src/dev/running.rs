//! Where the `attune dev` of a directory listens, for the other commands.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Lock, token};
use crate::error::CliError;

/// A development server that runs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Running {
    /// Where it listens.
    pub(crate) url: String,
    /// Its token.
    pub(crate) token: String,
}

#[derive(Serialize, Deserialize)]
struct Address {
    url: String,
    pid: u32,
}

/// Removes the address when the server ends in an orderly way. Otherwise the lock tells that the address is old.
#[derive(Debug)]
pub(crate) struct Announced {
    path: PathBuf,
}

impl Drop for Announced {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, path = %self.path.display(), "the address was not removed");
        }
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join("address.json")
}

impl Running {
    /// Says where this process listens.
    pub(crate) fn announce(directory: &Path, url: &str) -> Result<Announced, CliError> {
        let address = Address { url: url.to_owned(), pid: std::process::id() };
        let text = serde_json::to_string(&address).map_err(|error| CliError::internal("writing JSON", error))?;
        let (path, fresh) = (path(directory), directory.join("address.json.new"));
        // Renamed into place, so that a reader sees all of it or nothing.
        fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, &path)).map_err(CliError::file("writing", &path))?;
        Ok(Announced { path })
    }

    /// The server of `directory`, when one runs.
    pub(crate) fn find(directory: &Path) -> Result<Option<Self>, CliError> {
        if !Lock::is_held(directory) {
            return Ok(None);
        }
        let Ok(text) = fs::read_to_string(path(directory)) else { return Ok(None) };
        let Ok(address) = serde_json::from_str::<Address>(&text) else { return Ok(None) };
        Ok(Some(Self { url: address.url, token: token(directory)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_that_holds_the_lock_is_found() {
        let directory = tempfile::tempdir().expect("a directory");
        let lock = Lock::take(directory.path()).expect("free");
        let announced = Running::announce(directory.path(), "http://127.0.0.1:1").expect("written");
        let found = Running::find(directory.path()).expect("readable").expect("runs");
        assert_eq!(found.url, "http://127.0.0.1:1");
        drop(lock);
        assert_eq!(Running::find(directory.path()).expect("readable"), None);
        drop(announced);
        assert!(!path(directory.path()).exists());
    }
}
