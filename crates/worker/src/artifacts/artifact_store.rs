//! Where what executions leave behind goes.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use attune_store::{Store, StoreError};
use attune_types::{AttemptNumber, ExecutionId, LogChunk};

/// Where what executions leave behind goes: the default keeps logs in the database and files where they are.
///
/// Everything is offered at least once and again after a crash, so every method must be idempotent.
#[async_trait]
pub trait ArtifactStore: Send + Sync + 'static {
    /// Takes log pieces, in order per attempt. A passing error ([`StoreError::is_passing`]) is followed by the same
    /// pieces again; any other error drops them.
    async fn append_logs(&self, chunks: Vec<LogChunk>) -> Result<(), StoreError>;

    /// The log of an attempt is complete: nothing follows. Not called for an attempt during which the worker died, and
    /// never by the default, whose short logs are stored together with the end.
    async fn finish_log(&self, _execution: ExecutionId, _attempt: AttemptNumber) -> Result<(), StoreError> {
        Ok(())
    }

    /// Takes a file that an attempt left behind: its name relative to `ATTUNE_ARTIFACTS_DIR`, and where it lies.
    async fn put_file(
        &self,
        _execution: ExecutionId,
        _attempt: AttemptNumber,
        _name: &str,
        _path: PathBuf,
    ) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The default: logs go to the [`Store`], files stay in the artifacts directory.
pub struct StoreArtifacts {
    store: Arc<dyn Store>,
}

impl StoreArtifacts {
    /// Keeps logs in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl ArtifactStore for StoreArtifacts {
    async fn append_logs(&self, chunks: Vec<LogChunk>) -> Result<(), StoreError> {
        self.store.append_logs(chunks).await
    }
}
