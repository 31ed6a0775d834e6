//! What can happen, and to whom.

use std::cmp::Ordering;

use super::World;
use super::server::ServerEvent;
use super::store::{Call, Reply};
use super::trees::TreeEvent;
use super::worker::WorkerEvent;

/// Somebody who can be killed, stopped and cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Who submits: never killed.
    Client,
    /// A server.
    Server(usize),
    /// A worker.
    Worker(usize),
}

/// What happens.
#[derive(Debug)]
pub(crate) enum Event {
    /// A client submits its execution.
    Submit(u32),
    /// A client cancels its execution.
    Cancel(u32),
    /// Something goes wrong.
    Fault(usize),
    /// It stops.
    Heal(usize),
    /// A call reaches the database.
    Arrive(Box<Call>),
    /// An answer reaches who called.
    Answer(Box<Reply>),
    /// Something happens at a server, in one of its lives.
    Server(usize, u64, ServerEvent),
    /// Something happens at a worker, in one of its lives.
    Worker(usize, u64, WorkerEvent),
    /// Something happens to a process tree.
    Tree(u64, TreeEvent),
    /// A server is started again.
    StartServer(usize),
    /// A worker is started again.
    StartWorker(usize),
}

impl Event {
    /// A number for what kind of event it is.
    pub(crate) fn kind(&self) -> u64 {
        match self {
            Self::Submit(number) => 1 | u64::from(*number) << 8,
            Self::Cancel(number) => 2 | u64::from(*number) << 8,
            Self::Fault(number) => 3 | (*number as u64) << 8,
            Self::Heal(number) => 4 | (*number as u64) << 8,
            Self::Arrive(call) => 5 | call.id << 8,
            Self::Answer(reply) => 6 | reply.id << 8,
            Self::Server(number, life, _) => 7 | (*number as u64) << 8 | life << 16,
            Self::Worker(number, life, _) => 8 | (*number as u64) << 8 | life << 16,
            Self::Tree(number, _) => 9 | number << 8,
            Self::StartServer(number) => 10 | (*number as u64) << 8,
            Self::StartWorker(number) => 11 | (*number as u64) << 8,
        }
    }
}

/// An event and when it happens. Of two at one time the one that was thought of first comes first.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) at: i64,
    pub(super) sequence: u64,
    pub(super) event: Event,
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.sequence == other.sequence
    }
}

impl Eq for Queued {}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

impl World {
    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::Submit(number) => self.client_submits(number),
            Event::Cancel(number) => self.client_cancels(number),
            Event::Fault(number) => self.fault(number),
            Event::Heal(number) => self.heal(number),
            Event::Arrive(call) => self.arrive(*call),
            Event::Answer(reply) => self.answer(*reply),
            Event::Server(number, life, event) => {
                let server = &mut self.servers[number];
                if server.life != life || !server.is_up {
                    return;
                }
                if server.is_paused {
                    server.deferred.push(Event::Server(number, life, event));
                } else {
                    self.server_event(number, event);
                }
            }
            Event::Worker(number, life, event) => {
                let worker = &mut self.workers[number];
                if worker.life != life || !worker.is_up {
                    return;
                }
                if worker.is_paused {
                    worker.deferred.push(Event::Worker(number, life, event));
                } else {
                    self.worker_event(number, event);
                }
            }
            Event::Tree(number, event) => self.tree_event(number, event),
            Event::StartServer(number) => self.start_server(number),
            Event::StartWorker(number) => self.start_worker(number),
        }
    }
}
