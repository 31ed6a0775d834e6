//! The keys of secrets in the data of `attune dev`.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use attune_config::Config;
use attune_control::{Vault, keyring_of};
use attune_secret::Keyring;

use super::kept;
use crate::error::CliError;

/// Makes the directory that data is kept in, private: the database holds parameters.
pub(crate) fn make_directory(directory: &Path) -> Result<(), CliError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(CliError::file("making", directory))
}

/// The keys that the configuration names, else the one in `directory`, which is made when there is none.
pub(crate) fn vault(directory: &Path, config: &Config) -> Result<Vault, CliError> {
    let unusable = |error| CliError::Input {
        what: "the keys of secrets".into(),
        hint: "look at security.* of the configuration, or at the file encryption_key".into(),
        source: Box::new(error),
    };
    if let Some(keys) = keyring_of(&config.security).map_err(unusable)? {
        return Ok(Vault::new(keys));
    }
    let text = zeroize::Zeroizing::new(kept::encryption_key(directory)?);
    Keyring::parse(&[&text], None).map(Vault::new).map_err(unusable)
}
