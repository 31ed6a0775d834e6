use serde::Deserialize;

/// Which files an action reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SandboxFilesystem {
    /// Everything that its user may, except what belongs to the worker and to other executions.
    #[default]
    Protect,
    /// The system to read, its own directories to write, and nothing else.
    Strict,
    /// Everything that its user may.
    Open,
}
