use serde::Deserialize;

use crate::secret_url::SecretUrl;
use crate::sections::Trust;

/// Where executions are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://...` or `sqlite:...`; absent: SQLite in `paths.state_dir`.
    pub url: Option<SecretUrl>,
    /// Connections one process opens at most.
    pub max_connections: u32,
    /// Whom it trusts.
    pub tls: Trust,
}
