use serde::Deserialize;

/// How long what has ended is kept. In days; 0 is for ever.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Output.
    pub logs_days: u32,
    /// Files.
    pub artifacts_days: u32,
    /// Executions with everything of them.
    pub executions_days: u32,
}
