//! The way of output to the [`ArtifactSink`](super::artifact_sink::ArtifactSink).

use std::time::Duration;

use attune_types::LogChunk;
use tokio::sync::{mpsc, oneshot};

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
}

impl LogPort {
    /// Pieces that may be on their way at once; each has at most 64 KiB.
    const CAPACITY: usize = 64;

    /// The port and the end that the sink reads. `takes_everything`: output is kept elsewhere than ends, so none of it
    /// may ride along with one, however short it is.
    pub(crate) fn new(takes_everything: bool) -> (Self, mpsc::Receiver<LogOrder>) {
        let (orders, receiver) = mpsc::channel(Self::CAPACITY);
        (Self { orders, takes_everything }, receiver)
    }

    /// Whether all output must go this way.
    pub(crate) const fn takes_everything(&self) -> bool {
        self.takes_everything
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
