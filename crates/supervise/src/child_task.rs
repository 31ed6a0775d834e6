//! The future that runs one child.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use actix::{Actor, Context};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::{Sleep, sleep},
};

use crate::{
    ChildState, Exit, Manner, Stop,
    body::Body,
    child_cell::ChildCell,
    order::{Order, Stopped, Then},
    report::Report,
};

/// Resolves when a life may begin, with the permit to respawn when one was needed.
type Gate = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>>>>;

/// The future that runs one child: it polls the actor, catches its panics, reports every end, and obeys orders between two polls.
///
/// It decides nothing. After an end it keeps the mailbox and waits for the supervisor's verdict.
pub(crate) struct ChildTask<A: Actor<Context = Context<A>>> {
    pub(crate) body: Body<A>,
    pub(crate) cell: Arc<ChildCell>,
    pub(crate) orders: mpsc::UnboundedReceiver<Order>,
    pub(crate) report: Report,
    pub(crate) respawns: Arc<Semaphore>,
    pub(crate) phase: Phase,
}

/// What the task is doing.
pub(crate) enum Phase {
    /// Life number `life` begins when the gate opens.
    Waiting { life: u64, gate: Gate, begun: oneshot::Sender<()> },
    /// The actor runs. `begun` is there until its first poll is over.
    Running { life: u64, begun: Option<oneshot::Sender<()>> },
    /// The actor was asked to stop and has until `deadline`.
    Stopping { deadline: Pin<Box<Sleep>>, then: Then, replies: Vec<oneshot::Sender<Stopped>> },
    /// The life is over. The mailbox stays open and collects.
    Parked,
    /// Everything is over.
    Finished,
}

impl<A: Actor<Context = Context<A>>> ChildTask<A> {
    /// Opens when the sibling before has begun.
    pub(crate) fn first_gate(predecessor: Option<oneshot::Receiver<()>>) -> Gate {
        Box::pin(async move {
            if let Some(predecessor) = predecessor {
                let _ = predecessor.await;
            }
            None
        })
    }

    /// Opens after the backoff, after the sibling before, and when few enough others are respawning. Always yields at least once, so that
    /// no policy can make a hot loop.
    fn next_gate(&self, after: Duration, predecessor: Option<oneshot::Receiver<()>>) -> Gate {
        let respawns = self.respawns.clone();
        Box::pin(async move {
            tokio::task::yield_now().await;
            sleep(after).await;
            if let Some(predecessor) = predecessor {
                let _ = predecessor.await;
            }
            respawns.acquire_owned().await.ok()
        })
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Ping(reply) => {
                let _ = reply.send(());
            }
            Order::Probe(reply) => match self.phase {
                Phase::Running { .. } | Phase::Stopping { .. } => self.body.probe(self.cell.clone(), reply),
                Phase::Waiting { .. } | Phase::Parked | Phase::Finished => {
                    let _ = reply.send(());
                }
            },
            Order::Inject { how, reply } => {
                let alive = matches!(self.phase, Phase::Running { .. });
                if alive {
                    self.body.inject(how);
                }
                let _ = reply.send(alive);
            }
            Order::Restart { life, after, predecessor, begun } => {
                if matches!(self.phase, Phase::Parked) {
                    let gate = self.next_gate(after, predecessor);
                    self.phase = Phase::Waiting { life, gate, begun };
                    self.cell.set_state(ChildState::BackingOff);
                }
            }
            Order::Stuck => match self.phase {
                Phase::Running { life, .. } => {
                    self.body.kill();
                    self.end_life(life, Exit::Stuck);
                }
                Phase::Stopping { .. } => self.abort_stopping(Exit::Stuck),
                Phase::Waiting { .. } | Phase::Parked | Phase::Finished => {}
            },
            Order::Stop { stop, then, reply } => self.stop(stop, then, reply),
        }
    }

    fn stop(&mut self, stop: Stop, then: Then, reply: oneshot::Sender<Stopped>) {
        match mem::replace(&mut self.phase, Phase::Parked) {
            Phase::Waiting { .. } | Phase::Parked | Phase::Finished => {
                let exit = self.cell.last_exit().unwrap_or(Exit::Shutdown);
                self.settle(then);
                let _ = reply.send(Stopped { manner: Manner::Drained, exit });
            }
            Phase::Running { .. } => match stop {
                Stop::Drain(limit) => {
                    self.cell.set_state(ChildState::Stopping);
                    self.body.ask_to_stop();
                    self.phase = Phase::Stopping { deadline: Box::pin(sleep(limit)), then, replies: vec![reply] };
                }
                Stop::Brutal => self.finish_stopping(Exit::Shutdown, Manner::Aborted, then, vec![reply]),
            },
            Phase::Stopping { deadline, then: before, mut replies } => {
                replies.push(reply);
                let then = if then == Then::Finish { Then::Finish } else { before };
                self.phase = Phase::Stopping { deadline, then, replies };
                if stop == Stop::Brutal {
                    self.abort_stopping(Exit::Shutdown);
                }
            }
        }
    }

    fn abort_stopping(&mut self, exit: Exit) {
        if let Phase::Stopping { then, replies, .. } = mem::replace(&mut self.phase, Phase::Parked) {
            self.finish_stopping(exit, Manner::Aborted, then, replies);
        }
    }

    /// Completes a stop. Replies last: who waits for a stop may count on the actor's guards being dropped.
    fn finish_stopping(&mut self, exit: Exit, manner: Manner, then: Then, replies: Vec<oneshot::Sender<Stopped>>) {
        if manner == Manner::Aborted {
            self.body.kill();
        }
        self.cell.end_life(&exit, ChildState::BackingOff);
        self.settle(then);
        for reply in replies {
            let _ = reply.send(Stopped { manner, exit: exit.clone() });
        }
    }

    /// Parks or finishes a child whose life is over.
    fn settle(&mut self, then: Then) {
        match then {
            Then::Park => {
                self.phase = Phase::Parked;
                // A panic here is not an end of its own: the value stays spent, and the next life begins by trying again.
                let _ = self.body.renew();
            }
            Then::Finish => {
                self.phase = Phase::Finished;
                self.body.discard();
                self.cell.set_state(ChildState::Ended);
                let exit = self.cell.last_exit().unwrap_or(Exit::Shutdown);
                self.report.finished(exit);
            }
        }
    }

    /// Handles an end that nobody ordered.
    fn end_life(&mut self, life: u64, exit: Exit) {
        self.cell.end_life(&exit, ChildState::BackingOff);
        if self.body.is_renewable() {
            self.settle(Then::Park);
            self.report.ended(life, exit);
        } else {
            self.settle(Then::Finish);
        }
    }

    fn begin(&mut self, permit: Option<OwnedSemaphorePermit>) {
        if let Phase::Waiting { life, begun, .. } = mem::replace(&mut self.phase, Phase::Parked) {
            match self.body.begin(life, permit) {
                Ok(()) => {
                    self.cell.begin_life(life);
                    self.phase = Phase::Running { life, begun: Some(begun) };
                }
                Err(exit) => self.end_life(life, exit),
            }
        }
    }
}

impl<A: Actor<Context = Context<A>>> Future for ChildTask<A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let this = self.get_mut();
        loop {
            while let Poll::Ready(order) = this.orders.poll_recv(cx) {
                match order {
                    Some(order) => this.obey(order),
                    // The supervisor is gone, and with it everybody who could decide about this child.
                    None => {
                        if !matches!(this.phase, Phase::Finished) {
                            this.body.kill();
                            this.settle(Then::Finish);
                        }
                        return Poll::Ready(());
                    }
                }
            }
            match &mut this.phase {
                Phase::Waiting { gate, .. } => match gate.as_mut().poll(cx) {
                    Poll::Ready(permit) => this.begin(permit),
                    Poll::Pending => return Poll::Pending,
                },
                Phase::Running { life, begun } => {
                    let life = *life;
                    let polled = this.body.poll_life(cx);
                    if let Some(begun) = begun.take() {
                        let _ = begun.send(());
                    }
                    match polled {
                        Poll::Ready(exit) => this.end_life(life, exit),
                        Poll::Pending => return Poll::Pending,
                    }
                }
                Phase::Stopping { deadline, then, replies } => match this.body.poll_life(cx) {
                    Poll::Ready(exit) => {
                        let exit = if exit == Exit::Normal { Exit::Shutdown } else { exit };
                        let (then, replies) = (*then, mem::take(replies));
                        this.finish_stopping(exit, Manner::Drained, then, replies);
                    }
                    Poll::Pending => match deadline.as_mut().poll(cx) {
                        Poll::Ready(()) => this.abort_stopping(Exit::Shutdown),
                        Poll::Pending => return Poll::Pending,
                    },
                },
                Phase::Parked => return Poll::Pending,
                Phase::Finished => return Poll::Ready(()),
            }
        }
    }
}
