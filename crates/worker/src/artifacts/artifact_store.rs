//! Where what executions leave behind goes.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attune_artifacts::{Place, PlaceError, check_name, quoted};
use attune_store::{Store, StoreError};
use attune_types::{Artifact, AttemptNumber, ExecutionId, LogChunk, Timestamp};

/// How often a place that does not answer is tried, and the pause before the next time.
const TRIES: (u32, Duration) = (3, Duration::from_secs(1));
/// How long the end of an attempt waits until its artifacts are noted in the store. What takes longer is noted later.
const NOTING_TIME: Duration = Duration::from_secs(2);
/// How many old artifacts are removed at once.
const REMOVED_AT_ONCE: u32 = 100;

/// Where what executions leave behind goes: the default keeps logs and the list of files in the database, and the files
/// themselves in a [`Place`].
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

    /// The same of a file that was opened and looked at already: what is at `path` by now may be something else.
    async fn put_opened(
        &self,
        execution: ExecutionId,
        attempt: AttemptNumber,
        name: &str,
        _file: File,
        path: PathBuf,
    ) -> Result<(), StoreError> {
        self.put_file(execution, attempt, name, path).await
    }

    /// Called now and then: does what was left undone, and removes what is kept no longer.
    async fn tidy(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The default: logs and the list of files go to the [`Store`], the files themselves to a [`Place`].
pub struct StoreArtifacts {
    store: Arc<dyn Store>,
    files: Option<Files>,
}

/// How files are kept.
#[derive(Clone)]
struct Files {
    place: Place,
    worker: String,
    /// Where it is noted what was stored while the database was away.
    unnoted: PathBuf,
}

impl StoreArtifacts {
    /// Keeps logs in `store`, and no files.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, files: None }
    }

    /// Keeps files in `place`, noted as those of `worker`; `directory` is its own, for what cannot be noted at once.
    #[must_use]
    pub fn keeping_files(mut self, place: Place, worker: String, directory: PathBuf) -> Self {
        self.files = Some(Files { place, worker, unnoted: directory });
        self
    }

    async fn keep(
        &self,
        files: Files,
        execution: ExecutionId,
        attempt: AttemptNumber,
        name: String,
        open: impl FnOnce() -> io::Result<File> + Send + 'static,
    ) -> Result<(), StoreError> {
        let place = files.place.clone();
        let storing = tokio::task::spawn_blocking(move || {
            let mut file = open().map_err(|source| PlaceError::Io { doing: "open the file", source })?;
            let mut tries = 1;
            loop {
                match place.put(execution, attempt, &name, &mut file) {
                    Err(PlaceError::Away { .. }) if tries < TRIES.0 => tries += 1,
                    other => return other.map(|stored| (name, stored)),
                }
                // A thread for blocking work, on which nothing else runs.
                std::thread::park_timeout(TRIES.1);
            }
        });
        let (path, stored) = match storing.await {
            Ok(stored) => stored.map_err(|error| content_error(&error))?,
            Err(error) => return Err(StoreError::Content { reason: error.to_string(), passing: false }),
        };
        let artifact = Artifact {
            execution,
            attempt,
            path,
            size_bytes: stored.size_bytes,
            sha256: stored.sha256,
            worker: files.worker.clone(),
            location: stored.location,
            stored_at: Timestamp(0),
        };
        match tokio::time::timeout(NOTING_TIME, self.store.put_artifacts(vec![artifact.clone()])).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) if !error.is_passing() => Err(error),
            Ok(Err(_)) | Err(_) => files.note_later(&artifact).map_err(|error| {
                let reason = format!("neither the database nor the disk took a note of the file: {error}");
                StoreError::Content { reason, passing: false }
            }),
        }
    }
}

/// Everything a place says, in one line.
fn content_error(error: &PlaceError) -> StoreError {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    StoreError::Content { reason, passing: error.is_passing() }
}

impl Files {
    fn note_later(&self, artifact: &Artifact) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.unnoted)?;
        let text = serde_json::to_vec(artifact)?;
        let mut name = String::from("note");
        for part in [artifact.execution.to_string(), artifact.attempt.to_string(), artifact.sha256.clone()] {
            name = format!("{name}-{part}");
        }
        // Two names with one content have two notes.
        let salt = artifact.path.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        fs::write(self.unnoted.join(format!("{name}-{salt:x}")), text)
    }

    fn notes(&self) -> Vec<(PathBuf, Artifact)> {
        let Ok(entries) = fs::read_dir(&self.unnoted) else { return Vec::new() };
        entries
            .flatten()
            .filter_map(|entry| Some((entry.path(), serde_json::from_slice(&fs::read(entry.path()).ok()?).ok()?)))
            .collect()
    }
}

fn open_plain(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(file)
}

#[async_trait]
impl ArtifactStore for StoreArtifacts {
    async fn append_logs(&self, chunks: Vec<LogChunk>) -> Result<(), StoreError> {
        self.store.append_logs(chunks).await
    }

    async fn put_file(
        &self,
        execution: ExecutionId,
        attempt: AttemptNumber,
        name: &str,
        path: PathBuf,
    ) -> Result<(), StoreError> {
        let Some(files) = self.files.clone() else { return Ok(()) };
        check_name(name).map_err(|problem| StoreError::Content {
            reason: format!("artifact name {} {problem}", quoted(name)),
            passing: false,
        })?;
        self.keep(files, execution, attempt, name.to_owned(), move || open_plain(&path)).await
    }

    async fn put_opened(
        &self,
        execution: ExecutionId,
        attempt: AttemptNumber,
        name: &str,
        file: File,
        _path: PathBuf,
    ) -> Result<(), StoreError> {
        let Some(files) = self.files.clone() else { return Ok(()) };
        self.keep(files, execution, attempt, name.to_owned(), move || Ok(file)).await
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        let Some(files) = self.files.clone() else { return Ok(()) };
        let noting = files.clone();
        let notes = tokio::task::spawn_blocking(move || noting.notes()).await.unwrap_or_default();
        for (path, artifact) in notes {
            self.store.put_artifacts(vec![artifact]).await?;
            // Noted twice is noted once.
            let _kept = fs::remove_file(path);
        }
        loop {
            let shared = files.place.shared_prefix();
            let old = self.store.expired_artifacts(&files.worker, &shared, REMOVED_AT_ONCE).await?;
            let count = old.len();
            let place = files.place.clone();
            let removing = tokio::task::spawn_blocking(move || {
                let mut gone = Vec::new();
                for artifact in old {
                    match place.remove(&artifact.location) {
                        Ok(()) => gone.push(artifact),
                        Err(error) => {
                            tracing::warn!(execution.id = %artifact.execution, location = %artifact.location, error = &error as &dyn std::error::Error, "an old artifact could not be removed");
                        }
                    }
                }
                gone
            });
            let gone = removing.await.unwrap_or_default();
            let all_gone = gone.len() == count;
            self.store.forget_artifacts(gone).await?;
            if !all_gone || count < REMOVED_AT_ONCE as usize {
                return Ok(());
            }
        }
    }
}
