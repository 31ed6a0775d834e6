use serde::Deserialize;

use crate::secret::Secret;

/// How the command line reaches a server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Address of the API; absent: run embedded.
    pub api_url: Option<String>,
    /// Token to show it.
    pub api_token: Option<Secret>,
}
