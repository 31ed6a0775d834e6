//! The keys, from the configuration.

use attune_config::Security;
use attune_secret::{Keyring, SecretError};

/// The keys that `security.encryption_key` and `security.encryption_keys` hold; `None` when neither is set.
///
/// # Errors
/// A key cannot be used, or `security.current_key` names one that is not there.
pub fn keyring_of(security: &Security) -> Result<Option<Keyring>, SecretError> {
    let texts: Vec<&str> = [&security.encryption_key, &security.encryption_keys]
        .into_iter()
        .flatten()
        .map(attune_config::Secret::expose)
        .collect();
    if texts.is_empty() {
        return Ok(None);
    }
    Keyring::parse(&texts, security.current_key).map(Some)
}
