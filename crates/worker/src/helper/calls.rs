//! What the calls of one execution do.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use attune_artifacts::{HarvestLimits, quoted};
use attune_process::clock;
use attune_types::ActionRef;
use tokio::sync::mpsc;

use super::artifact::{self, Offered};
use super::draft::Draft;
use super::progress::{Progress, plain};
use super::protocol::{Level, MAX_SECRET};
use super::secret_source::{SecretBytes, SecretRefusal, SecretRequest, SecretSource};
use crate::artifacts::ArtifactStore;
use crate::executions::Key;

/// How many bytes of lines the calls of one execution may write: output has its own limits, and this is none.
const MOST_LINE_BYTES: usize = 1 << 20;

/// What the calls of one execution need.
pub(crate) struct CallsDeps {
    pub(crate) key: Key,
    pub(crate) action: ActionRef,
    /// Names of the secrets that the action declares.
    pub(crate) declared_secrets: Vec<String>,
    pub(crate) secrets: Arc<dyn SecretSource>,
    pub(crate) artifacts: Arc<dyn ArtifactStore>,
    /// Where files wait to be stored: the worker's own, and out of the action's reach.
    pub(crate) waiting: PathBuf,
    /// How much may be kept of the files that are handed over.
    pub(crate) limits: HarvestLimits,
}

impl fmt::Debug for CallsDeps {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CallsDeps").field("key", &self.key).finish_non_exhaustive()
    }
}

/// What the calls of one execution do, and what came of them. Dropping it removes files that were not stored.
pub(crate) struct Calls {
    deps: CallsDeps,
    /// Lines for the log of the execution.
    lines: mpsc::Sender<String>,
    state: Mutex<State>,
    /// How many files were taken, each with a name of its own while it waits.
    files: AtomicU64,
}

/// What came of the calls so far.
#[derive(Debug, Default)]
struct State {
    draft: Draft,
    progress: Progress,
    line_bytes: usize,
    lines_left_out: u64,
    /// Files that were handed over, and how large they are together.
    taken: (usize, u64),
    stored: BTreeSet<String>,
}

/// What came of the calls when all is over.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Conclusion {
    /// The result as JSON text, when one was set.
    pub(crate) result: Option<Vec<u8>>,
    /// What is still to be said.
    pub(crate) lines: Vec<String>,
    /// Names of the files that were stored.
    pub(crate) stored: BTreeSet<String>,
}

impl Calls {
    /// Nothing was called yet; `lines` takes what is to be said in the log.
    pub(crate) fn new(deps: CallsDeps, lines: mpsc::Sender<String>) -> Self {
        Self { deps, lines, state: Mutex::default(), files: AtomicU64::new(0) }
    }

    /// Whose they are.
    pub(super) const fn key(&self) -> Key {
        self.deps.key
    }

    /// Sets the result, or fields of it.
    pub(super) fn set_output(&self, text: &[u8], merge: bool) -> Result<(), String> {
        // Read before the lock is taken: a megabyte takes a while.
        let value = Draft::read(text).map_err(|why| format!("the value is not JSON: {why}"))?;
        self.state().draft.set(value, merge)
    }

    /// Takes a report of progress; [`Calls::say_progress`] says it when it is time.
    pub(super) fn progress(&self, percent: f64, message: Option<&str>) -> Result<(), String> {
        if !(0.0..=100.0).contains(&percent) {
            return Err(format!("progress is from 0 to 100, not {percent}"));
        }
        self.state().progress.report(percent, message);
        Ok(())
    }

    /// In how long progress is to be said, if at all.
    pub(super) fn progress_due(&self) -> Option<Duration> {
        Some(self.state().progress.due()?.saturating_sub(clock::boot()))
    }

    /// Says the latest progress when it is time.
    pub(super) async fn say_progress(&self) {
        let line = self.state().progress.line(clock::boot());
        if let Some(line) = line {
            self.say(line).await;
        }
    }

    /// Says something in the log. It is marked as the action's: lines of this stream are the worker's own otherwise.
    pub(super) async fn log(&self, level: Level, message: &str) {
        self.say(format!("{} from the action: {}\n", level.word(), plain(message))).await;
    }

    async fn say(&self, line: String) {
        let is_kept = {
            let mut state = self.state();
            state.line_bytes += line.len();
            let is_kept = state.line_bytes <= MOST_LINE_BYTES;
            state.lines_left_out += u64::from(!is_kept);
            is_kept
        };
        if is_kept {
            // Without a receiver the execution is over, and this answer is on its way to nobody.
            let _over = self.lines.send(line).await;
        }
    }

    /// Keeps a file. Blocks as long as reading it does.
    pub(super) fn take_file(&self, file: OwnedFd) -> Result<PathBuf, String> {
        let offered = Offered::look(file)?;
        {
            let mut state = self.state();
            let (files, bytes) = state.taken;
            let limits = self.deps.limits;
            let size = bytes.saturating_add(offered.size);
            if files >= limits.files || size > limits.bytes {
                return Err(format!(
                    "this execution may keep {} files with {} bytes, and has handed over {files} with {bytes}",
                    limits.files, limits.bytes
                ));
            }
            state.taken = (files + 1, size);
        }
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let path = artifact::waiting_place(&self.deps.waiting, number);
        offered.copy(&path).map(|()| path)
    }

    /// Hands a file that was taken to where artifacts are kept.
    pub(super) async fn store_file(&self, name: &str, path: PathBuf) -> Result<(), String> {
        let (execution, attempt) = self.deps.key.pair();
        let stored = self.deps.artifacts.put_file(execution, attempt, name, path.clone()).await;
        // It was copied to where it is kept, or is not kept.
        let _gone = tokio::fs::remove_file(path).await;
        stored.map_err(|error| format!("artifact {} was not stored: {error}", quoted(name)))?;
        self.state().stored.insert(name.to_owned());
        Ok(())
    }

    /// Reads a secret.
    pub(super) async fn secret(&self, name: String) -> Result<SecretBytes, String> {
        let shown = plain(&name);
        let not_granted = format!("secret {shown} is not granted to {}", self.deps.action);
        if !self.deps.declared_secrets.contains(&name) {
            tracing::warn!(execution.id = %self.deps.key.execution, "secret {shown} not granted to {}", self.deps.action);
            self.say(format!("secret {shown} not granted to {}\n", self.deps.action)).await;
            return Err(format!("{not_granted}: the action does not declare it (secrets: [{shown}])"));
        }
        let (execution, attempt) = self.deps.key.pair();
        let request = SecretRequest { execution, attempt, action: self.deps.action.clone(), name };
        match self.deps.secrets.secret(&request).await {
            Ok(secret) if secret.expose().len() > MAX_SECRET => {
                Err(format!("secret {shown} has more than {MAX_SECRET} bytes, which is more than can be handed out"))
            }
            Ok(secret) => Ok(secret),
            Err(SecretRefusal::NotGranted) => Err(not_granted),
            Err(SecretRefusal::Unknown) => Err(format!("{not_granted}: there is no secret of this name")),
            Err(SecretRefusal::Unavailable { reason }) => Err(format!("{not_granted}: {reason}")),
        }
    }

    /// What came of all calls. Later ones change nothing of it.
    pub(crate) fn conclude(&self) -> Conclusion {
        let mut state = self.state();
        let state = std::mem::take(&mut *state);
        let (mut progress, left_out) = (state.progress, state.lines_left_out);
        let mut lines: Vec<String> = progress.last().into_iter().collect();
        if left_out > 0 {
            lines.push(format!("{left_out} lines of progress and log calls left out: there were too many\n"));
        }
        Conclusion { result: state.draft.into_text(), lines, stored: state.stored }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        if self.files.load(Ordering::Relaxed) == 0 {
            return;
        }
        if let Err(error) = fs::remove_dir_all(&self.deps.waiting)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(execution.id = %self.deps.key.execution, error = &error as &dyn std::error::Error, "files that waited to be stored could not be removed");
        }
    }
}
