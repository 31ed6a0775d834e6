//! Servers: a scheduler, a relay and a reaper each, as shells around the product's decisions.

use std::collections::BTreeMap;
use std::time::Duration;

use attune_control::protocol::{PaceBook, PlacementPolicy, Returns};
use attune_queue::Published;
use attune_store::OutboxMessage;
use attune_types::ExecutionId;

use super::event::Event;
use super::placing::Placing;
use super::store::{Answer, Asker, Request};
use super::{MILLI, SECOND, World};

/// What a server asked the database for.
#[derive(Debug, Clone)]
pub(crate) enum Asked {
    View,
    Assign,
    TakeBack(attune_types::WorkerId),
    TakeOutbox,
    Delete(Vec<i64>),
    Reap,
}

/// What happens at a server.
#[derive(Debug)]
pub(crate) enum ServerEvent {
    /// Something may be placed.
    Schedule,
    /// Something lies in the outbox.
    Drain,
    /// The scheduler looks by itself.
    SchedulerTick,
    /// Its rest is over.
    Rested,
    /// The relay looks by itself.
    RelayTick,
    /// Its pause after a look that found something is over.
    Gathered,
    /// The reaper looks.
    ReaperTick,
    /// The broker answered a batch.
    Published {
        /// Which.
        batch: u64,
        /// What, message by message.
        answers: Vec<Published>,
    },
}

/// What a relay is at.
#[derive(Debug, Default)]
pub(crate) struct Relaying {
    pub(crate) gathering: Vec<OutboxMessage>,
    pub(crate) publishing: BTreeMap<u64, Vec<OutboxMessage>>,
    pub(crate) batches: u64,
    pub(crate) confirmed: Vec<i64>,
    pub(crate) is_deleting: bool,
    pub(crate) is_taking: bool,
    pub(crate) takes_again: bool,
    pub(crate) is_gathering: bool,
    pub(crate) failures: u32,
    pub(crate) quiet_until: Option<i64>,
    pub(crate) returns: Returns,
}

/// A server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) life: u64,
    pub(crate) is_up: bool,
    pub(crate) is_paused: bool,
    pub(crate) deferred: Vec<Event>,
    pub(crate) born: i64,
    pub(crate) policy: PlacementPolicy,
    pub(crate) book: PaceBook,
    pub(crate) placing: Placing,
    pub(crate) relaying: Relaying,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self {
            life: 0,
            is_up: false,
            is_paused: false,
            deferred: Vec::new(),
            born: 0,
            policy: PlacementPolicy::default(),
            book: PaceBook::default(),
            placing: Placing::default(),
            relaying: Relaying::default(),
        }
    }
}

impl World {
    pub(super) fn start_server(&mut self, number: usize) {
        let now = self.now;
        let server = &mut self.servers[number];
        if server.is_up {
            return;
        }
        let life = server.life + 1;
        *server = Server { life, is_up: true, born: now, ..Server::new() };
        self.say(|| format!("server {number} starts, life {life}"));
        for event in [ServerEvent::SchedulerTick, ServerEvent::RelayTick, ServerEvent::ReaperTick] {
            self.after(MILLI, Event::Server(number, life, event));
        }
    }

    /// A server is killed.
    pub(super) fn kill_server(&mut self, number: usize) {
        let server = &mut self.servers[number];
        (server.is_up, server.is_paused) = (false, false);
        server.deferred.clear();
        self.say(|| format!("server {number} killed"));
    }

    pub(super) fn server_ask(&mut self, number: usize, asked: Asked, request: Request) {
        let life = self.servers[number].life;
        self.ask(Asker::Server(number, life, asked), request);
    }

    pub(super) fn server_later(&mut self, number: usize, pause: i64, event: ServerEvent) {
        let life = self.servers[number].life;
        self.after(pause, Event::Server(number, life, event));
    }

    /// How long a server has lived, on a clock that never goes back.
    pub(super) fn age(&self, number: usize) -> Duration {
        Duration::from_micros((self.now - self.servers[number].born).unsigned_abs())
    }

    /// Tells the servers what a commit touched. Hints: one in a hundred is lost.
    pub(super) fn wake(&mut self) {
        let touched = self.database.take_touched();
        for number in 0..self.servers.len() {
            for (is_touched, event) in [(touched.schedule, ServerEvent::Schedule), (touched.outbox, ServerEvent::Drain)]
            {
                if is_touched && !self.random.percent(1) {
                    self.server_later(number, 500, event);
                }
            }
        }
    }

    pub(super) fn server_event(&mut self, number: usize, event: ServerEvent) {
        match event {
            ServerEvent::Schedule => self.wake_scheduler(number),
            ServerEvent::SchedulerTick => {
                self.wake_scheduler(number);
                self.server_later(number, SECOND, ServerEvent::SchedulerTick);
            }
            ServerEvent::Rested => self.scheduler_rested(number),
            ServerEvent::Drain => self.take_outbox(number),
            ServerEvent::RelayTick => {
                self.take_outbox(number);
                self.delete_next(number);
                self.server_later(number, SECOND, ServerEvent::RelayTick);
            }
            ServerEvent::Gathered => {
                let relaying = &mut self.servers[number].relaying;
                relaying.is_gathering = false;
                if std::mem::take(&mut relaying.takes_again) {
                    self.take_outbox(number);
                }
            }
            ServerEvent::ReaperTick => self.server_ask(number, Asked::Reap, Request::Reap),
            ServerEvent::Published { batch, answers } => self.published(number, batch, answers),
        }
    }

    pub(super) fn server_hears(&mut self, number: usize, asked: Asked, answer: Option<Answer>) {
        match (asked, answer) {
            (Asked::Reap, _) => self.server_later(number, 2 * SECOND, ServerEvent::ReaperTick),
            (Asked::TakeOutbox, Some(Answer::Outbox(messages))) => self.outbox_taken(number, Some(messages)),
            (Asked::TakeOutbox, _) => self.outbox_taken(number, None),
            (Asked::Delete(ids), answer) => self.deleted(number, ids, answer.is_some()),
            (Asked::View, Some(Answer::View(view))) => self.looked(number, view),
            (Asked::Assign, Some(Answer::Assigned(assigned))) => self.assigned(number, assigned),
            (Asked::TakeBack(worker), Some(Answer::Taken(taken))) => self.taken_back(number, worker, &taken),
            (Asked::View | Asked::Assign | Asked::TakeBack(_), _) => self.pass_failed(number),
        }
    }

    pub(super) fn taken_back(&mut self, number: usize, worker: attune_types::WorkerId, taken: &[ExecutionId]) {
        if !taken.is_empty() {
            self.reach(crate::reach::Point::TakenBack);
        }
        self.servers[number].book.taken_back(worker, u32::try_from(taken.len()).unwrap_or(u32::MAX));
        self.take_back_next(number);
    }
}
