use serde::Deserialize;

use super::ArtifactStoreKind;
use crate::secret::Secret;

/// Where files that executions leave behind are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifacts {
    /// A directory or a bucket.
    pub store: ArtifactStoreKind,
    /// The address of an S3-compatible service.
    pub endpoint: Option<String>,
    /// The bucket.
    pub bucket: Option<String>,
    /// Its region.
    pub region: String,
    /// What every key begins with.
    pub prefix: String,
    /// The id of the access key.
    pub access_key_id: Option<Secret>,
    /// The access key.
    pub secret_access_key: Option<Secret>,
    /// Files of one attempt.
    pub max_files: u64,
    /// Bytes of all files of one attempt.
    pub max_bytes: u64,
}
