use std::path::PathBuf;

use serde::Deserialize;

/// Whom encrypted connections to one service trust.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// The certificates, in PEM, that the service's own must lead to; absent: the well-known ones.
    pub ca_path: Option<PathBuf>,
}
