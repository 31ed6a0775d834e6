//! The messenger inside one process, as embedded mode and tests use it.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use attune_types::message::worker_queue;
use attune_types::{Envelope, Payload, WorkerId};
use tokio::sync::mpsc;

use super::link::MemoryLink;
use super::room::{Consumer, Room};
use crate::error::QueueError;
use crate::mailbox::Mailbox;
use crate::queue::{ConsumeOptions, ConsumerLink, Published, Queue};

/// How many facts may wait for one reader; later ones pass it by.
const FACTS_WAITING: usize = 1024;

/// A broker in memory. Clones are the same broker. What it holds dies with the process, which the protocol allows: the
/// database knows what was assigned.
#[derive(Debug, Clone, Default)]
pub struct MemoryQueue {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) rooms: HashMap<WorkerId, Room>,
    listeners: Vec<Listener>,
    away: bool,
    closed: bool,
}

#[derive(Debug)]
struct Listener {
    types: Vec<String>,
    facts: mpsc::Sender<Envelope>,
}

impl MemoryQueue {
    /// An empty broker.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Breaks every consumer's connection; each rebuilds itself at once, and what was unsettled is delivered again.
    pub fn break_connections(&self) {
        let mut state = self.state();
        for room in state.rooms.values_mut() {
            room.break_connections("the connection was broken on purpose");
            room.reconnect();
        }
    }

    /// Makes the broker unreachable until [`come_back`](Self::come_back): links are lost, publishing is unknown.
    pub fn go_away(&self) {
        let mut state = self.state();
        state.away = true;
        for room in state.rooms.values_mut() {
            room.break_connections("the broker went away on purpose");
        }
    }

    /// Ends [`go_away`](Self::go_away).
    pub fn come_back(&self) {
        let mut state = self.state();
        state.away = false;
        for room in state.rooms.values_mut() {
            room.reconnect();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

pub(super) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing in here panics half way through a change.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn publish(&mut self, envelope: &Envelope) -> Published {
        if self.closed || self.away {
            let reason = if self.closed { "the queue is closed" } else { "the broker is away" };
            return Published::Unknown { reason: reason.to_owned() };
        }
        match &envelope.payload {
            Payload::Scheduled { worker, .. } | Payload::Cancel { worker, .. } => match self.rooms.get_mut(worker) {
                Some(room) => {
                    room.push(envelope.clone());
                    Published::Confirmed
                }
                None => Published::Returned { reason: format!("there is no queue {}", worker_queue(*worker)) },
            },
            Payload::StatusChanged { .. } | Payload::Completed { .. } => {
                let kind = envelope.payload.message_type();
                self.listeners.retain(|listener| {
                    if listener.types.iter().any(|wanted| wanted == kind) {
                        // A reader that is too slow misses facts, as at a broker with a length limit.
                        !matches!(listener.facts.try_send(envelope.clone()), Err(mpsc::error::TrySendError::Closed(_)))
                    } else {
                        !listener.facts.is_closed()
                    }
                });
                Published::Confirmed
            }
        }
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    fn kind(&self) -> &'static str {
        "memory"
    }

    async fn publish(&self, messages: &[Envelope]) -> Vec<Published> {
        let mut state = self.state();
        messages.iter().map(|envelope| state.publish(envelope)).collect()
    }

    async fn consume(&self, options: ConsumeOptions) -> Result<Arc<dyn ConsumerLink>, QueueError> {
        let mut state = self.state();
        if state.closed {
            return Err(QueueError::Closed);
        }
        let worker = options.worker;
        let consumer = Arc::new(Consumer { options, mailbox: Mailbox::default(), paused: AtomicBool::new(false) });
        let reachable = !state.away;
        state.rooms.entry(worker).or_default().join(Arc::clone(&consumer), reachable);
        Ok(Arc::new(MemoryLink::new(Arc::clone(&self.state), consumer)))
    }

    async fn facts(&self, types: &[&str]) -> Result<mpsc::Receiver<Envelope>, QueueError> {
        let mut state = self.state();
        if state.closed {
            return Err(QueueError::Closed);
        }
        let (facts, receiver) = mpsc::channel(FACTS_WAITING);
        state.listeners.push(Listener { types: types.iter().map(|kind| (*kind).to_owned()).collect(), facts });
        Ok(receiver)
    }

    async fn ping(&self) -> Result<(), QueueError> {
        let state = self.state();
        match (state.closed, state.away) {
            (true, _) => Err(QueueError::Closed),
            (false, true) => {
                Err(QueueError::Unreachable { address: "memory".to_owned(), reason: "the broker is away".to_owned() })
            }
            (false, false) => Ok(()),
        }
    }

    async fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.listeners.clear();
        for room in state.rooms.values_mut() {
            room.close();
        }
    }
}
