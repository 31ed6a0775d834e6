use serde::Deserialize;

use crate::secret::Secret;

/// What protects stored secrets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// The key that stored secrets are encrypted with, at least 32 characters.
    pub encryption_key: Option<Secret>,
    /// Several of them, one a line: `NUMBER KEY`.
    pub encryption_keys: Option<Secret>,
    /// The number of the one that is used for what is stored from now on.
    pub current_key: Option<u32>,
    /// Hosts that may be spoken to without encryption.
    pub allow_insecure: Vec<String>,
}
