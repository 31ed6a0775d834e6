//! Following a log until its execution ends.

use std::collections::VecDeque;
use std::time::Duration;

use actix_web::web::Bytes;
use attune_types::{Execution, ExecutionId, ExecutionStatus, Told};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use super::entry::LogEntry;
use super::sse;
use crate::api::access::StreamPermit;
use crate::api::problem::Problem;
use crate::api::state::{ApiState, LOOK};
use crate::waiters::Waiter;

/// How many pieces one look brings.
pub(crate) const LOOK_PIECES: u32 = 64;

/// How long a stream stays silent at most, so that proxies and clients know that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// One who follows.
pub(crate) struct Follower {
    state: ApiState,
    id: ExecutionId,
    waiter: Waiter,
    cursor: i64,
    shown: Option<(ExecutionStatus, i32)>,
    ready: VecDeque<Bytes>,
    spoke_at: Instant,
    ended: bool,
    _permits: (OwnedSemaphorePermit, StreamPermit),
}

impl Follower {
    /// Follows `id` from behind `cursor`.
    pub(crate) fn new(
        state: ApiState,
        id: ExecutionId,
        cursor: i64,
        permits: (OwnedSemaphorePermit, StreamPermit),
    ) -> Self {
        let waiter = state.waiters.wait_for(id);
        let ready = VecDeque::from([sse::opening()]);
        let spoke_at = Instant::now();
        Self { state, id, waiter, cursor, shown: None, ready, spoke_at, ended: false, _permits: permits }
    }

    /// The next bytes of the stream; `None` at its end. A look that fails ends the stream: the client connects again and
    /// goes on where it was.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                self.spoke_at = Instant::now();
                return Some(bytes);
            }
            if self.ended || *self.state.stopping.borrow() {
                return None;
            }
            match self.look().await {
                Ok(true) => {}
                Ok(false) => self.wait().await,
                Err(_) => return None,
            }
        }
    }

    /// Looks for news. The execution first: if it has ended then, its log is complete, because both are one commit.
    async fn look(&mut self) -> Result<bool, Problem> {
        let execution = self.state.execution(self.id).await?;
        let (id, cursor) = (self.id, self.cursor);
        let pieces = self.state.ask(move |store| async move { store.logs(id, cursor, LOOK_PIECES).await }).await?;
        let all = pieces.len() < LOOK_PIECES as usize;
        for (cursor, chunk) in pieces {
            self.cursor = self.cursor.max(cursor);
            self.ready.push_back(sse::event("log", Some(cursor), &LogEntry::new(cursor, chunk)));
        }
        if self.shown != Some((execution.status, execution.attempts)) {
            self.shown = Some((execution.status, execution.attempts));
            self.ready.push_back(sse::event("status", None, &status_of(&execution)));
        }
        if all && execution.status.is_terminal() {
            self.ready.push_back(sse::event("end", None, &Told::from(&execution)));
            self.ended = true;
        }
        Ok(!self.ready.is_empty())
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = timeout(LOOK, self.waiter.moved()) => {}
            () = self.state.until_stopping() => {}
        }
        if self.spoke_at.elapsed() >= KEEP_ALIVE {
            self.ready.push_back(sse::keep_alive());
        }
    }
}

fn status_of(execution: &Execution) -> serde_json::Value {
    json!({
        "id": execution.id,
        "status": execution.status,
        "attempts": execution.attempts,
        "worker": execution.worker,
        "retry_at": execution.retry_at,
    })
}
