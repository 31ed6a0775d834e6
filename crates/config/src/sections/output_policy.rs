use serde::Deserialize;

/// What happens to an execution that writes more than is kept of its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputPolicy {
    /// It goes on; head and tail are kept.
    #[default]
    Truncate,
    /// It is stopped and ends as `output_limit`.
    Stop,
    /// It goes on, and ends as `output_limit` whatever its exit code says.
    Fail,
}
