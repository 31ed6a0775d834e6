use serde::Deserialize;

use crate::secret::Secret;

/// What protects stored secrets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// The key that stored secrets are encrypted with, at least 32 characters.
    pub encryption_key: Option<Secret>,
}
