use serde::Deserialize;

/// Where files that executions leave behind are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArtifactStoreKind {
    /// In `paths.artifacts_dir`.
    Local,
    /// In a bucket.
    S3,
}
