use serde::Deserialize;

use crate::secret_url::SecretUrl;

/// Where executions are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://...` or `sqlite:...`; absent: SQLite in `paths.state_dir`.
    pub url: Option<SecretUrl>,
    /// Connections one process opens at most.
    pub max_connections: u32,
}
