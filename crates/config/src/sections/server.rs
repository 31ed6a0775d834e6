use std::path::PathBuf;

use serde::Deserialize;

use crate::secret::Secret;

/// Where the API listens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address or host name to bind.
    pub host: String,
    /// Port to bind; 0 takes a free one.
    pub port: u16,
    /// Token that requests must show; absent: none is asked for.
    pub api_token: Option<Secret>,
    /// Requests that one token may send a second; 0: no limit.
    pub requests_per_second: u32,
    /// Folder with the agents that are given out; absent: none are.
    pub agent_directory: Option<PathBuf>,
}
