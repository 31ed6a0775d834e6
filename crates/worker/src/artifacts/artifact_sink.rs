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
use super::log_port::{LogOrder, LogPort};
use crate::io_runtime::IoRuntime;

/// How many bytes are given away at once.
const BATCH_BYTES: usize = 256 << 10;
/// How many pieces are taken at once.
const TAKEN_AT_ONCE: usize = 64;
/// The first and the longest pause after the place where output is kept did not answer.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How long a stop may take; the tree allows a little more.
pub(crate) const FLUSH_TIME: Duration = Duration::from_secs(3);

/// What survives its crashes.
pub(crate) struct ArtifactSinkDeps {
    pub(crate) io: IoRuntime,
    pub(crate) store: Arc<dyn ArtifactStore>,
    /// Where the journal lies.
    pub(crate) directory: PathBuf,
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
        let orders = Arc::clone(&self.deps.orders);
        self.run(context, take(orders, Rc::clone(&self.state), self.deps.directory.clone()));
        let store = Arc::clone(&self.deps.store);
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
async fn take(orders: Arc<Mutex<mpsc::Receiver<LogOrder>>>, state: Rc<State>, directory: PathBuf) -> io::Error {
    let mut orders = orders.lock().await;
    let mut taken = Vec::with_capacity(TAKEN_AT_ONCE);
    loop {
        if orders.recv_many(&mut taken, TAKEN_AT_ONCE).await == 0 {
            return io::Error::other("nobody can write to it any more");
        }
        if let Err(error) = keep(&mut taken, &state, &directory) {
            return error;
        }
        state.changed.notify_one();
    }
}

fn keep(taken: &mut Vec<LogOrder>, state: &State, directory: &std::path::Path) -> io::Result<()> {
    let mut chunks: Vec<LogChunk> = Vec::with_capacity(taken.len());
    for order in taken.drain(..) {
        match order {
            LogOrder::Keep(chunk) => chunks.push(chunk),
            LogOrder::Flush(waiting) => {
                append(&mut chunks, state, directory)?;
                let upto = state.journal.borrow().as_ref().map_or(0, Journal::appended);
                state.flushes.borrow_mut().push_back((upto, waiting));
            }
        }
    }
    append(&mut chunks, state, directory)
}

fn append(chunks: &mut Vec<LogChunk>, state: &State, directory: &std::path::Path) -> io::Result<()> {
    if chunks.is_empty() {
        return Ok(());
    }
    state.open(directory)?;
    if let Some(journal) = state.journal.borrow_mut().as_mut() {
        journal.append(chunks)?;
    }
    chunks.clear();
    Ok(())
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
