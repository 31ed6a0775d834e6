//! The token of a development server: random, made once, readable by its owner alone.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::error::CliError;

/// The token in `directory`, made when there is none.
pub(crate) fn token(directory: &Path) -> Result<String, CliError> {
    let path = directory.join("token");
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= 20 => return Ok(text.trim().to_owned()),
        Ok(_) => fs::remove_file(&path).map_err(CliError::file("removing the unusable", &path))?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(CliError::file("reading", path)(error)),
    }
    let token = random_token()?;
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let mut file = created.map_err(CliError::file("creating", &path))?;
    writeln!(file, "{token}").map_err(CliError::file("writing", path))?;
    Ok(token)
}

fn random_token() -> Result<String, CliError> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(|error| CliError::internal("making a token", error))?;
    Ok(bytes.iter().fold("att_".to_owned(), |token, byte| format!("{token}{byte:02x}")))
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
        let mode = fs::metadata(directory.path().join("token")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
