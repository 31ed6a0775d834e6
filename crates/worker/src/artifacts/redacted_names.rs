//! Artifacts of an execution that has secrets: stored under names without them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use attune_store::StoreError;
use attune_types::{AttemptNumber, ExecutionId, LogChunk};

use super::artifact_store::ArtifactStore;
use crate::redaction::{Place, Redaction};

/// Files up to this size are looked through for secrets.
const LOOKED_THROUGH: u64 = 64 << 20;
/// How much of a file is read at once.
const AT_ONCE: usize = 64 << 10;

/// Stores artifacts under names without secrets. What is in them is kept as it is, since a changed archive is a broken
/// one, but what was found there is told.
pub(crate) struct RedactedNames {
    store: Arc<dyn ArtifactStore>,
    redaction: Redaction,
}

impl RedactedNames {
    /// `store` itself when there is nothing to hide.
    pub(crate) fn around(store: Arc<dyn ArtifactStore>, redaction: &Redaction) -> Arc<dyn ArtifactStore> {
        if redaction.is_idle() { store } else { Arc::new(Self { store, redaction: redaction.clone() }) }
    }

    async fn look_through(&self, open: impl FnOnce() -> std::io::Result<File> + Send + 'static) {
        let redaction = self.redaction.clone();
        let looking = tokio::task::spawn_blocking(move || {
            let Ok(file) = open() else { return };
            let (mut redactor, mut buffer, mut out) = (redaction.redactor(), vec![0; AT_ONCE], Vec::new());
            let mut position = 0;
            while position < LOOKED_THROUGH {
                match file.read_at(&mut buffer, position) {
                    Ok(count) if count > 0 => redactor.push(buffer.get(..count).unwrap_or_default(), &mut out),
                    _ => break,
                }
                position += AT_ONCE as u64;
                out.clear();
            }
            redactor.finish(&mut out);
            redaction.note(Place::Artifact, redactor.report());
        });
        // Whoever stores the file tells what is wrong with it.
        let _told_elsewhere = looking.await;
    }

    fn name(&self, name: &str) -> String {
        self.redaction.text(Place::ArtifactName, name.to_owned())
    }
}

fn open_plain(path: &Path) -> std::io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(std::io::ErrorKind::InvalidInput.into()) }
}

#[async_trait]
impl ArtifactStore for RedactedNames {
    async fn append_logs(&self, chunks: Vec<LogChunk>) -> Result<(), StoreError> {
        self.store.append_logs(chunks).await
    }

    async fn finish_log(&self, execution: ExecutionId, attempt: AttemptNumber) -> Result<(), StoreError> {
        self.store.finish_log(execution, attempt).await
    }

    async fn put_file(
        &self,
        execution: ExecutionId,
        attempt: AttemptNumber,
        name: &str,
        path: PathBuf,
    ) -> Result<(), StoreError> {
        let looked_at = path.clone();
        // The worker's own copy: nobody else can put anything in its place.
        self.look_through(move || open_plain(&looked_at)).await;
        self.store.put_file(execution, attempt, &self.name(name), path).await
    }

    async fn put_opened(
        &self,
        execution: ExecutionId,
        attempt: AttemptNumber,
        name: &str,
        file: File,
        path: PathBuf,
    ) -> Result<(), StoreError> {
        if let Ok(copy) = file.try_clone() {
            self.look_through(move || Ok(copy)).await;
        }
        self.store.put_opened(execution, attempt, &self.name(name), file, path).await
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        self.store.tidy().await
    }
}
