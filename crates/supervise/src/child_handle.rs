//! The supervisor's end of a child.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    ChildState, CrashError, How, Stop,
    child_cell::ChildCell,
    order::{Order, Stopped, Then},
};

/// The supervisor's end of a child. The child ends when the last of these is dropped.
#[derive(Clone)]
pub(crate) struct ChildHandle {
    pub(crate) cell: Arc<ChildCell>,
    pub(crate) orders: mpsc::UnboundedSender<Order>,
}

/// What is added to a child's own time before its thread counts as blocked.
const REACTION_TIME: Duration = Duration::from_secs(1);

impl ChildHandle {
    pub(crate) fn new(cell: Arc<ChildCell>) -> (Self, mpsc::UnboundedReceiver<Order>) {
        let (orders, received) = mpsc::unbounded_channel();
        (Self { cell, orders }, received)
    }

    /// Gives an order; a child that is gone needs none.
    pub(crate) fn order(&self, order: Order) -> bool {
        self.orders.send(order).is_ok()
    }

    /// Asks the actor to answer. The receiver fails when the life ends first.
    pub(crate) fn probe(&self) -> oneshot::Receiver<()> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Probe(reply));
        answer
    }

    /// Asks the task, not the actor, to answer.
    pub(crate) fn ping(&self) -> oneshot::Receiver<()> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Ping(reply));
        answer
    }

    /// Stops the child at once, without waiting.
    pub(crate) fn abort(&self) {
        let (reply, _) = oneshot::channel();
        self.order(Order::Stop { stop: Stop::Brutal, then: Then::Finish, reply });
    }

    /// Stops the child and waits for it. `None` when its task is gone; [`Manner::Lost`](crate::Manner::Lost) when its thread does not react.
    pub(crate) async fn stop(&self, stop: Stop, then: Then) -> Option<Stopped> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Stop { stop, then, reply });
        let patience = match stop {
            Stop::Drain(limit) => limit.saturating_add(REACTION_TIME),
            Stop::Brutal => REACTION_TIME,
        };
        match timeout(patience, answer).await {
            Ok(Ok(stopped)) => Some(stopped),
            Ok(Err(_)) => None,
            Err(_) => {
                self.cell.set_state(ChildState::Lost);
                Some(Stopped { manner: crate::Manner::Lost, exit: crate::Exit::Stuck })
            }
        }
    }

    /// Breaks the actor.
    pub(crate) async fn inject(&self, how: How) -> Result<(), CrashError> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Inject { how, reply });
        match answer.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(CrashError::NotRunning(self.cell.name.to_string())),
        }
    }
}
