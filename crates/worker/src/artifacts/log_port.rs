//! The way of output to the [`ArtifactSink`](super::artifact_sink::ArtifactSink).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use attune_types::LogChunk;
use tokio::sync::{mpsc, oneshot};

use crate::executions::Key;

/// What the sink is asked to do.
#[derive(Debug)]
pub(crate) enum LogOrder {
    /// Keep this piece.
    Keep(LogChunk),
    /// Say when everything before this was stored.
    Flush(oneshot::Sender<()>),
}

/// The way of output to the sink: bounded, so that a child is slowed down rather than memory filled.
#[derive(Debug, Clone)]
pub(crate) struct LogPort {
    orders: mpsc::Sender<LogOrder>,
    takes_everything: bool,
    losses: Losses,
}

/// How many bytes of which attempt were dropped because the disk was full.
#[derive(Debug, Clone, Default)]
pub(crate) struct Losses(Arc<Mutex<HashMap<Key, u64>>>);

impl Losses {
    /// So many bytes of an attempt were dropped.
    pub(crate) fn add(&self, key: Key, bytes: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += bytes;
    }

    /// How many bytes of an attempt were dropped; forgets it.
    pub(crate) fn take(&self, key: Key) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key).unwrap_or(0)
    }
}

impl LogPort {
    /// Pieces that may be on their way at once; each has at most 64 KiB.
    const CAPACITY: usize = 32;

    /// The port and the end that the sink reads. `takes_everything`: output is kept elsewhere than ends, so none of it
    /// may ride along with one, however short it is.
    pub(crate) fn new(takes_everything: bool) -> (Self, mpsc::Receiver<LogOrder>) {
        let (orders, receiver) = mpsc::channel(Self::CAPACITY);
        (Self { orders, takes_everything, losses: Losses::default() }, receiver)
    }

    /// Whether all output must go this way.
    pub(crate) const fn takes_everything(&self) -> bool {
        self.takes_everything
    }

    /// What was dropped because the disk was full.
    pub(crate) const fn losses(&self) -> &Losses {
        &self.losses
    }

    /// Hands a piece over; waits while there are too many.
    pub(crate) async fn keep(&self, chunk: LogChunk) {
        // The receiver lives as long as the worker: a failed send means that the process is ending.
        let _ending = self.orders.send(LogOrder::Keep(chunk)).await;
    }

    /// Waits until everything handed over before was stored, at most `within`. `false` when it was not.
    pub(crate) async fn flush(&self, within: Duration) -> bool {
        let flushed = async {
            let (sender, answered) = oneshot::channel();
            self.orders.send(LogOrder::Flush(sender)).await.ok()?;
            answered.await.ok()
        };
        matches!(tokio::time::timeout(within, flushed).await, Ok(Some(())))
    }
}
