//! What ends a worker: its drain ladder, its replacement, its tree giving up.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use attune_supervise::{Abort, Ending, Shutdown, Supervisor, TreeEnd};
use tokio::sync::{mpsc, watch};

use crate::executions::{Books, Executions, Hurry, StopTaking};
use crate::stop_reason::StopReason;

/// How long ends may still be reported after everything was killed.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What the overseer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Take no more work, and stay until everything has ended.
    Retire,
    /// Finish and leave: the first signal.
    Drain,
    /// No more time for what runs: the second.
    Hurry,
    /// Leave now: the third.
    Kill,
    /// Somebody else has this name.
    Replaced,
}

/// Holds the tree until it is down and says why it went. A task and no actor: it must outlive the tree.
pub(crate) struct Overseer {
    pub(crate) supervisor: Addr<Supervisor>,
    pub(crate) executions: Addr<Executions>,
    pub(crate) books: Arc<Books>,
    pub(crate) orders: mpsc::UnboundedReceiver<Order>,
    pub(crate) ending: Ending,
    pub(crate) stopped: watch::Sender<Option<StopReason>>,
}

impl Overseer {
    pub(crate) async fn run(mut self) {
        let mut wanted = StopReason::Drained;
        let mut is_draining = false;
        let end = loop {
            let order = tokio::select! {
                end = self.ending.wait() => break end,
                order = self.orders.recv() => order,
            };
            match order {
                Some(Order::Retire) => self.executions.do_send(StopTaking),
                Some(Order::Drain) if !is_draining => {
                    is_draining = true;
                    tracing::info!("draining: no new work; running executions get their time");
                    self.supervisor.do_send(Shutdown);
                }
                Some(Order::Drain) => {}
                Some(Order::Hurry) => {
                    tracing::warn!("stopping running executions now");
                    self.executions.do_send(Hurry);
                }
                Some(Order::Kill) => {
                    wanted = StopReason::Killed;
                    self.leave_now().await;
                }
                Some(Order::Replaced) => {
                    wanted = StopReason::Replaced;
                    self.leave_now().await;
                }
                // Nobody is left who could say anything: neither the handle nor the heartbeat.
                None => self.supervisor.do_send(Shutdown),
            }
        };
        // Whatever the tree did, nothing of it runs on.
        self.books.kill_all();
        let left = self.books.ledger().held().len();
        let reason = match (end, wanted) {
            (TreeEnd::GaveUp(give_up), _) => StopReason::GaveUp { reason: give_up.to_string() },
            (TreeEnd::ShutDown | TreeEnd::Abandoned, StopReason::Drained) if left > 0 => {
                StopReason::Unreported { outcomes: left }
            }
            (TreeEnd::ShutDown | TreeEnd::Abandoned, wanted) => wanted,
        };
        self.stopped.send_replace(Some(reason));
    }

    async fn leave_now(&self) {
        self.books.kill_all();
        let reported = async {
            while self.books.trees() > 0 || !self.books.ledger().held().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _best_effort = tokio::time::timeout(LAST_WORDS, reported).await;
        self.supervisor.do_send(Abort);
    }
}
