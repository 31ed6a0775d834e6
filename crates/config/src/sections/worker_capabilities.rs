use serde::Deserialize;

/// What a worker offers, when that is not to be found out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerCapabilities {
    /// Runtimes it offers; empty: all that are found.
    pub runtimes: Vec<String>,
}
