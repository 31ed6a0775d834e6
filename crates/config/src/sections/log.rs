use serde::Deserialize;

use super::LogFormat;

/// What the process says about itself, on standard error.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// Level or filter directives, like `info` or `info,attune_worker=debug`.
    pub level: String,
}
