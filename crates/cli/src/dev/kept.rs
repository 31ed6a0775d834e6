//! What a development server is given once and keeps: its token and its worker's name, readable by its owner alone.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::error::CliError;

/// The token in `directory`, made when there is none.
pub(crate) fn token(directory: &Path) -> Result<String, CliError> {
    kept(directory, "token", 52, || Ok(format!("att_{}", random_hex(24)?)))
}

/// The name of the worker of `directory`, made when there is none. It stays, because it is by its name that a worker finds
/// what it left running; and it is nobody else's, because whatever runs under that name is ended when it starts.
pub(crate) fn worker_name(directory: &Path) -> Result<String, CliError> {
    kept(directory, "worker", 5, || Ok(format!("dev-{}", random_hex(3)?)))
}

/// The key that secrets in `directory` are encrypted with, made when there is none. Unlike a token it is never made anew
/// while there is one: what is encrypted with a key that is gone is gone, too.
pub(super) fn encryption_key(directory: &Path) -> Result<String, CliError> {
    kept(directory, "encryption_key", 0, || random_hex(32))
}

/// What the file `name` holds; a file that is missing or too short is made anew.
fn kept(
    directory: &Path,
    name: &str,
    least: usize,
    make: impl FnOnce() -> Result<String, CliError>,
) -> Result<String, CliError> {
    let path = directory.join(name);
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= least => return Ok(text.trim().to_owned()),
        Ok(_) => fs::remove_file(&path).map_err(CliError::file("removing the unusable", &path))?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(CliError::file("reading", path)(error)),
    }
    let made = make()?;
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let mut file = created.map_err(CliError::file("creating", &path))?;
    writeln!(file, "{made}").map_err(CliError::file("writing", path))?;
    Ok(made)
}

fn random_hex(bytes: usize) -> Result<String, CliError> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|error| CliError::internal("making a random name", error))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_token_is_made_once_and_is_nobody_elses_business() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = token(directory.path()).expect("made");
        assert!(first.starts_with("att_") && first.len() == 52, "{first}");
        assert_eq!(token(directory.path()).expect("read"), first);
        assert_eq!(worker_name(directory.path()).expect("made"), worker_name(directory.path()).expect("read"));
        let mode = fs::metadata(directory.path().join("token")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
