//! What executions leave behind.

use serde::{Deserialize, Serialize};

use crate::id::{AttemptNumber, ExecutionId};
use crate::timestamp::Timestamp;

/// One file that an attempt left behind and that was stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Whose it is.
    pub execution: ExecutionId,
    /// The attempt that left it.
    pub attempt: AttemptNumber,
    /// Its name below `ATTUNE_ARTIFACTS_DIR`, with `/` between the parts; never absolute, never with `..`.
    pub path: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// SHA-256 of its content, 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// The worker that stored it.
    pub worker: String,
    /// Where its content is: `file:PATH` below the worker's artifacts directory, or `s3://BUCKET/KEY`.
    pub location: String,
    /// When its row was written; set by the store.
    pub stored_at: Timestamp,
}

/// Files that an action leaves behind: a glob, or a glob and whether something must be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ArtifactRule {
    /// Files that this glob names are kept, when there are any.
    Glob(String),
    /// With more to say.
    Detailed(DetailedArtifactRule),
}

/// Files that an action leaves behind, with more to say than a glob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetailedArtifactRule {
    /// The glob: `?` and `*` stand for anything but `/`, `**` for anything.
    pub path: String,
    /// Whether the execution fails when no file fits, or one that fits cannot be stored.
    #[serde(default)]
    pub required: bool,
}

impl ArtifactRule {
    /// The glob.
    #[must_use]
    pub fn glob(&self) -> &str {
        match self {
            Self::Glob(glob) => glob,
            Self::Detailed(rule) => &rule.path,
        }
    }

    /// Whether the execution fails without a file that fits.
    #[must_use]
    pub const fn is_required(&self) -> bool {
        match self {
            Self::Glob(_) => false,
            Self::Detailed(rule) => rule.required,
        }
    }
}

impl From<&str> for ArtifactRule {
    fn from(glob: &str) -> Self {
        Self::Glob(glob.to_owned())
    }
}

impl From<String> for ArtifactRule {
    fn from(glob: String) -> Self {
        Self::Glob(glob)
    }
}
