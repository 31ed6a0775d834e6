//! The actor through which output leaves: onto disk first, then to where it is kept.
//!
//! It owns the journal and lives as long as the worker; stopping means flushing. Bytes reach it over a bounded channel
//! whose receiving end outlives its crashes, and what had reached it is read back from disk by its next life. Two loops
//! share one life: one takes pieces whatever the store does, one gives them away in batches that grow by themselves
//! when the store is slow. It has an arbiter of its own, so that its file writes hold nobody up.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Supervised, WrapFuture};
use attune_supervise::{Drain, Life};
use attune_types::LogChunk;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};

use super::artifact_store::ArtifactStore;
use super::journal::{Batch, Journal};
use super::log_port::{LogOrder, LogPort, Losses};
use crate::executions::Key;
use crate::io_runtime::IoRuntime;

/// How many bytes are given away at once.
const BATCH_BYTES: usize = 256 << 10;
/// How many pieces are taken at once.
const TAKEN_AT_ONCE: usize = 16;
/// The first and the longest pause after the place where output is kept did not answer.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How often old artifacts are looked for.
const TIDY_EVERY: Duration = Duration::from_secs(60);
/// How long a stop may take; the tree allows a little more.
pub(crate) const FLUSH_TIME: Duration = Duration::from_secs(3);

/// What survives its crashes.
pub(crate) struct ArtifactSinkDeps {
    pub(crate) io: IoRuntime,
    pub(crate) store: Arc<dyn ArtifactStore>,
    /// Where the journal lies.
    pub(crate) directory: PathBuf,
    /// Where output waited for the end of its attempt when an earlier life ended before.
    pub(crate) held: PathBuf,
    pub(crate) port: LogPort,
    pub(crate) orders: Arc<Mutex<mpsc::Receiver<LogOrder>>>,
    /// Open the journal at start rather than with the first output.
    pub(crate) eager: bool,
}

/// The actor through which output leaves.
pub(crate) struct ArtifactSink {
    deps: ArtifactSinkDeps,
    life: Life<Self>,
    state: Rc<State>,
}

/// What one life's two loops share.
#[derive(Default)]
struct State {
    journal: RefCell<Option<Journal>>,
    /// Who waits until so many pieces were appended and everything of the journal up to there was stored.
    flushes: RefCell<VecDeque<(u64, oneshot::Sender<()>)>>,
    changed: Notify,
}

impl ArtifactSink {
    pub(crate) fn new(deps: ArtifactSinkDeps, life: Life<Self>) -> Self {
        Self { deps, life, state: Rc::default() }
    }

    fn run(&self, context: &mut Context<Self>, work: impl Future<Output = io::Error> + 'static) {
        let failed = |error: io::Error, actor: &mut Self, context: &mut Context<Self>| {
            actor.life.fail(context, format_args!("output journal: {error}"));
        };
        context.spawn(work.into_actor(self).map(failed));
    }
}

impl Actor for ArtifactSink {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let is_opened_now = self.deps.eager || self.life.number() > 0;
        if is_opened_now && let Err(error) = self.state.open(&self.deps.directory) {
            self.life.fail(context, format_args!("output journal: {error}"));
            return;
        }
        if self.life.number() == 0
            && let Err(error) = self.state.adopt(&self.deps.held, &self.deps.directory)
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "output that an earlier life kept back cannot be read"
            );
        }
        let (orders, losses) = (Arc::clone(&self.deps.orders), self.deps.port.losses().clone());
        self.run(context, take(orders, Rc::clone(&self.state), self.deps.directory.clone(), losses));
        let store = Arc::clone(&self.deps.store);
        self.run(context, tidy(self.deps.io.clone(), Arc::clone(&store)));
        self.run(context, give(self.deps.io.clone(), store, Rc::clone(&self.state)));
    }
}

impl Supervised for ArtifactSink {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.state = Rc::default();
    }
}

impl Handler<Drain> for ArtifactSink {
    type Result = ();

    fn handle(&mut self, _: Drain, context: &mut Self::Context) {
        // Everybody who writes was stopped before. What cannot be stored in time stays in the journal for the next start.
        let port = self.deps.port.clone();
        let flushed = async move { port.flush(FLUSH_TIME).await };
        context.spawn(flushed.into_actor(self).map(|flushed, _, context| {
            if !flushed {
                tracing::warn!("output could not be stored in time and waits on disk for the next start");
            }
            context.stop();
        }));
    }
}

impl State {
    fn open(&self, directory: &std::path::Path) -> io::Result<()> {
        let mut journal = self.journal.borrow_mut();
        if journal.is_none() {
            *journal = Some(Journal::open(directory)?);
        }
        Ok(())
    }

    /// Takes over what an earlier life had kept back for the end of attempts that ended with it.
    fn adopt(&self, held: &std::path::Path, directory: &std::path::Path) -> io::Result<()> {
        let entries = match std::fs::read_dir(held) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = entry?.path();
            let mut kept = Journal::open(&path)?;
            while let Some(batch) = kept.read(BATCH_BYTES)? {
                self.open(directory)?;
                if let Some(journal) = self.journal.borrow_mut().as_mut() {
                    journal.append(&batch.chunks)?;
                }
                kept.store(&batch)?;
            }
            std::fs::remove_dir(&path)?;
        }
        Ok(())
    }

    /// Tells those who wait for what is stored by now.
    fn answer_flushes(&self) {
        let journal = self.journal.borrow();
        let stored = journal.as_ref().map_or(0, Journal::stored);
        let mut flushes = self.flushes.borrow_mut();
        while let Some((upto, _)) = flushes.front() {
            if *upto > stored {
                break;
            }
            if let Some((_, waiting)) = flushes.pop_front() {
                let _gone = waiting.send(());
            }
        }
    }

    fn read(&self) -> io::Result<Option<Batch>> {
        self.journal.borrow_mut().as_mut().map_or(Ok(None), |journal| journal.read(BATCH_BYTES))
    }

    fn stored(&self, batch: &Batch) -> io::Result<()> {
        self.journal.borrow_mut().as_mut().map_or(Ok(()), |journal| journal.store(batch))?;
        self.answer_flushes();
        Ok(())
    }
}

/// Takes pieces from the channel onto the disk; ends only with an error.
async fn take(
    orders: Arc<Mutex<mpsc::Receiver<LogOrder>>>,
    state: Rc<State>,
    directory: PathBuf,
    losses: Losses,
) -> io::Error {
    let mut orders = orders.lock().await;
    let mut taken = Vec::with_capacity(TAKEN_AT_ONCE);
    loop {
        if orders.recv_many(&mut taken, TAKEN_AT_ONCE).await == 0 {
            return io::Error::other("nobody can write to it any more");
        }
        if let Err(error) = keep(&mut taken, &state, &directory, &losses) {
            return error;
        }
        state.changed.notify_one();
    }
}

fn keep(taken: &mut Vec<LogOrder>, state: &State, directory: &std::path::Path, losses: &Losses) -> io::Result<()> {
    let mut chunks: Vec<LogChunk> = Vec::with_capacity(taken.len());
    for order in taken.drain(..) {
        match order {
            LogOrder::Keep(chunk) => chunks.push(chunk),
            LogOrder::Flush(waiting) => {
                append(&mut chunks, state, directory, losses)?;
                let upto = state.journal.borrow().as_ref().map_or(0, Journal::appended);
                state.flushes.borrow_mut().push_back((upto, waiting));
            }
        }
    }
    append(&mut chunks, state, directory, losses)
}

fn append(chunks: &mut Vec<LogChunk>, state: &State, directory: &std::path::Path, losses: &Losses) -> io::Result<()> {
    if chunks.is_empty() {
        return Ok(());
    }
    if let Err(error) = append_all(chunks, state, directory) {
        if !is_full(&error) {
            return Err(error);
        }
        for chunk in chunks.drain(..) {
            losses.add(Key::new(chunk.execution, chunk.attempt), chunk.bytes.len() as u64);
        }
    }
    Ok(())
}

fn append_all(chunks: &mut Vec<LogChunk>, state: &State, directory: &std::path::Path) -> io::Result<()> {
    state.open(directory)?;
    if let Some(journal) = state.journal.borrow_mut().as_mut() {
        journal.append(chunks)?;
    }
    chunks.clear();
    Ok(())
}

/// Whether a disk had no room. The child must not be held up by that: what it writes is dropped, and counted.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Does what was left undone and removes what is old; never ends.
async fn tidy(io: IoRuntime, store: Arc<dyn ArtifactStore>) -> io::Error {
    loop {
        tokio::time::sleep(TIDY_EVERY).await;
        let store = Arc::clone(&store);
        if let Some(Err(error)) = io.run(async move { store.tidy().await }).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "old artifacts stay for now");
        }
    }
}

/// Gives pieces from the disk to where they are kept; ends only with an error of the disk.
async fn give(io: IoRuntime, store: Arc<dyn ArtifactStore>, state: Rc<State>) -> io::Error {
    let mut pause = PAUSES.0;
    loop {
        let batch = match state.read() {
            Ok(Some(batch)) => batch,
            Ok(None) => {
                state.answer_flushes();
                state.changed.notified().await;
                continue;
            }
            Err(error) => return error,
        };
        let (store, chunks) = (Arc::clone(&store), batch.chunks.clone());
        match io.run(async move { store.append_logs(chunks).await }).await {
            Some(Ok(())) => pause = PAUSES.0,
            Some(Err(error)) if !error.is_passing() => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    pieces = batch.chunks.len(),
                    "output was refused and is dropped"
                );
            }
            away => {
                if let Some(Err(error)) = away {
                    tracing::debug!(error = &error as &dyn std::error::Error, "output cannot be stored yet");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
                continue;
            }
        }
        if let Err(error) = state.stored(&batch) {
            return error;
        }
    }
}
