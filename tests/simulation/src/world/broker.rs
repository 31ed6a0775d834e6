//! The messenger, which may lose, repeat, reorder and delay.

use std::collections::{BTreeMap, HashSet, VecDeque};

use attune_queue::protocol::{Heard, confirm_timeout};
use attune_queue::{DeliveryTag, Published};
use attune_store::OutboxMessage;
use attune_types::{AttemptNumber, AttemptState, ExecutionId, Payload, WorkerId};

use super::event::{Event, Part};
use super::server::ServerEvent;
use super::worker::WorkerEvent;
use super::{MILLI, SECOND, World};
use crate::reach::Point;

/// How the broker behaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BrokerMood {
    /// It takes and delivers.
    #[default]
    Fine,
    /// Nobody is there.
    Away,
    /// It takes nothing and says nothing, and delivers what it has.
    Alarmed,
}

/// The queue of one worker.
#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Payload>,
    /// By number of delivery: the connection it went to, and what it says.
    unsettled: BTreeMap<u64, (u64, Payload)>,
    consumers: Vec<Consumer>,
}

/// Who consumes from a queue. More than one does while a name is being taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Consumer {
    number: usize,
    life: u64,
    generation: u64,
}

impl Consumer {
    const fn is_of(&self, number: usize, life: u64) -> bool {
        self.number == number && self.life == life
    }
}

/// A batch that hangs.
#[derive(Debug)]
struct Hanging {
    server: usize,
    life: u64,
    batch: u64,
    messages: Vec<OutboxMessage>,
    is_answered: bool,
}

/// The modelled broker.
#[derive(Debug, Default)]
pub(crate) struct Broker {
    pub(crate) mood: BrokerMood,
    pub(crate) cuts: HashSet<Part>,
    /// Of a hundred messages: how many are delivered twice, late, and never; how many confirms get lost.
    pub(crate) twice_percent: u64,
    pub(crate) late_percent: u64,
    pub(crate) lost_percent: u64,
    /// Attempts that somebody forged orders for. One that comes before the true one, and is refused, takes that with it when
    /// both arrive before the refusal; the next beat brings it back.
    pub(crate) forged: HashSet<(ExecutionId, AttemptNumber)>,
    queues: BTreeMap<WorkerId, Queue>,
    numbers: u64,
    generations: u64,
    hanging: Vec<Hanging>,
}

impl World {
    fn reaches_broker(&self, part: Part) -> bool {
        self.broker.mood != BrokerMood::Away && !self.broker.cuts.contains(&part)
    }

    /// A relay publishes a batch. Its answers come as an event.
    pub(crate) fn publish(&mut self, server: usize, batch: u64, messages: Vec<OutboxMessage>) {
        let life = self.servers[server].life;
        let timeout = i64::try_from(confirm_timeout().as_micros()).unwrap_or(i64::MAX);
        let is_there = self.reaches_broker(Part::Server(server)) && self.broker.mood == BrokerMood::Fine;
        if !is_there {
            // Nobody knows, and says so when the time for an answer is over.
            let answers = messages.iter().map(|_| Published::Unknown { reason: "no confirm".to_owned() }).collect();
            self.after(timeout, Event::Server(server, life, ServerEvent::Published { batch, answers }));
            let is_answered = timeout < 60 * SECOND;
            return self.broker.hanging.push(Hanging { server, life, batch, messages, is_answered });
        }
        let answers = messages.iter().map(|message| self.route(message)).collect();
        let delay = self.random.between(300, 4_000);
        self.after(delay, Event::Server(server, life, ServerEvent::Published { batch, answers }));
    }

    /// What hung goes through now, or was lost on the way.
    pub(crate) fn unhang(&mut self) {
        for hanging in std::mem::take(&mut self.broker.hanging) {
            if self.random.percent(50) {
                let answers = hanging.messages.iter().map(|message| self.route(message)).collect();
                if !hanging.is_answered {
                    let event = ServerEvent::Published { batch: hanging.batch, answers };
                    self.after(MILLI, Event::Server(hanging.server, hanging.life, event));
                }
            }
        }
    }

    fn route(&mut self, message: &OutboxMessage) -> Published {
        let payload = &message.envelope.payload;
        match payload {
            Payload::Scheduled { worker, .. } | Payload::Cancel { worker, .. } => {
                let worker = *worker;
                if !self.broker.queues.contains_key(&worker) {
                    let returns = self.way.free_rows.entry(message.id).or_default();
                    *returns = returns.saturating_add(1);
                    self.reach(Point::PublishReturned);
                    return Published::Returned { reason: "there is no such queue".to_owned() };
                }
                if !self.random.percent(self.broker.lost_percent) {
                    self.put(worker, payload.clone());
                }
            }
            Payload::Completed { execution, status, .. } => {
                let story = &mut self.stories[execution.0 as usize - 1];
                let before = story.announced.replace(*status);
                if let Some(before) = before.filter(|before| before != status) {
                    let (execution, status) = (*execution, *status);
                    self.violations.note("facts_conflicting", || {
                        format!("execution {execution} was announced as {before} and as {status}")
                    });
                }
            }
            Payload::StatusChanged { .. } => {}
        }
        self.way.free_rows.insert(message.id, u8::MAX);
        if self.random.percent(self.broker.lost_percent) {
            return Published::Unknown { reason: "the confirm got lost".to_owned() };
        }
        Published::Confirmed
    }

    /// Puts a message into the queue of a worker.
    pub(crate) fn put(&mut self, worker: WorkerId, payload: Payload) {
        let twice = self.random.percent(self.broker.twice_percent);
        let Some(queue) = self.broker.queues.get_mut(&worker) else { return };
        if twice {
            queue.waiting.push_back(payload.clone());
        }
        queue.waiting.push_back(payload);
        if twice {
            self.reach(Point::DeliveredTwice);
        }
        self.deliver(worker);
    }

    /// Delivers to a consumer what it has room for.
    fn deliver(&mut self, worker: WorkerId) {
        loop {
            let late = self.random.percent(self.broker.late_percent);
            let Some(queue) = self.broker.queues.get_mut(&worker) else { return };
            let has_room = |consumer: &&Consumer| {
                let held =
                    queue.unsettled.values().filter(|(generation, _)| *generation == consumer.generation).count();
                held < self.workers[consumer.number].slots * 6
            };
            let Some(Consumer { number, life, generation }) = queue.consumers.iter().find(has_room).copied() else {
                return;
            };
            let Some(payload) = queue.waiting.pop_front() else { return };
            // The next one is the next's turn.
            queue.consumers.rotate_left(1);
            self.broker.numbers += 1;
            let tag = DeliveryTag { generation, number: self.broker.numbers };
            queue.unsettled.insert(tag.number, (generation, payload.clone()));
            let delay = if late { self.random.between(SECOND, 90 * SECOND) } else { self.random.between(200, 2_000) };
            self.after(delay, Event::Worker(number, life, WorkerEvent::Delivered(tag, payload)));
        }
    }

    /// A worker wants to consume: the generation of its connection, or nothing when nobody is there.
    pub(crate) fn consume(&mut self, number: usize) -> Option<u64> {
        if !self.reaches_broker(Part::Worker(number)) {
            return None;
        }
        let (id, life) = (self.workers[number].id, self.workers[number].life);
        self.broker.generations += 1;
        let generation = self.broker.generations;
        self.drop_consumer(number);
        let queue = self.broker.queues.entry(id).or_default();
        queue.consumers.push(Consumer { number, life, generation });
        Some(generation)
    }

    /// After it has noted its connection.
    pub(crate) fn begin_delivering(&mut self, number: usize) {
        self.deliver(self.workers[number].id);
    }

    /// A consumer is gone: what it had not settled waits again.
    pub(crate) fn drop_consumer(&mut self, number: usize) {
        let life = self.workers[number].life;
        let mut others = Vec::new();
        for (id, queue) in &mut self.broker.queues {
            if let Some(place) = queue.consumers.iter().position(|consumer| consumer.is_of(number, life)) {
                let gone = queue.consumers.remove(place);
                give_back(queue, Some(gone.generation));
                others.push(*id);
            }
        }
        for id in others {
            self.deliver(id);
        }
    }

    /// A worker settles a delivery. `is_given_back`: its attempt was given back, or its worker leaves.
    pub(crate) fn settle(&mut self, number: usize, tag: DeliveryTag, is_given_back: bool) {
        let worker = &mut self.workers[number];
        let Some(delivery) = worker.link.settle(tag) else { return };
        let (id, incarnation) = (worker.id, worker.incarnation);
        if let Payload::Scheduled { execution, attempt, .. } = delivery.envelope.payload
            && !is_given_back
            && !self.broker.forged.contains(&(execution, attempt))
            && self
                .database
                .attempt(execution, attempt)
                .is_some_and(|attempt| attempt.state == AttemptState::Assigned && attempt.incarnation == incarnation)
        {
            self.violations.note("acknowledged_unclaimed", || format!("{execution}.{attempt} by worker {number}"));
        }
        if let Some(queue) = self.broker.queues.get_mut(&id) {
            queue.unsettled.remove(&tag.number);
        }
        self.deliver(id);
    }

    /// The broker goes away, or comes back with nothing.
    pub(crate) fn break_consumers(&mut self, heard: Heard, wipe: bool) {
        let mut consumers = Vec::new();
        for queue in self.broker.queues.values_mut() {
            consumers.append(&mut queue.consumers);
            give_back(queue, None);
        }
        if wipe {
            self.broker.queues.clear();
        }
        for Consumer { number, life, .. } in consumers {
            self.after(MILLI, Event::Worker(number, life, WorkerEvent::LinkHears(heard)));
        }
    }

    /// The channel of one worker is closed, or its queue deleted.
    pub(crate) fn break_consumer(&mut self, number: usize, heard: Heard, wipe: bool) {
        let (id, life) = (self.workers[number].id, self.workers[number].life);
        self.drop_consumer(number);
        let mut others = Vec::new();
        if wipe && let Some(queue) = self.broker.queues.remove(&id) {
            others = queue.consumers;
        }
        self.after(MILLI, Event::Worker(number, life, WorkerEvent::LinkHears(heard)));
        for Consumer { number, life, .. } in others {
            self.after(MILLI, Event::Worker(number, life, WorkerEvent::LinkHears(heard)));
        }
    }

    /// Whether a worker consumes.
    pub(crate) fn is_consuming(&self, number: usize) -> bool {
        let worker = &self.workers[number];
        let queue = self.broker.queues.get(&worker.id);
        queue.is_some_and(|queue| queue.consumers.iter().any(|consumer| consumer.is_of(number, worker.life)))
    }

    /// How many messages wait at, or were not settled by, anybody who consumes.
    pub(crate) fn undelivered(&self) -> usize {
        let consumed = self.broker.queues.values().filter(|queue| !queue.consumers.is_empty());
        consumed.map(|queue| queue.waiting.len() + queue.unsettled.len()).sum()
    }

    /// A queue whose consumer is connected.
    pub(crate) fn queues(&self) -> Vec<WorkerId> {
        self.broker.queues.keys().copied().collect()
    }
}

/// What one connection had not settled, or nobody, waits again, at its old place.
fn give_back(queue: &mut Queue, connection: Option<u64>) {
    let (gone, kept) = std::mem::take(&mut queue.unsettled)
        .into_iter()
        .partition(|(_, (generation, _))| connection.is_none_or(|one| one == *generation));
    queue.unsettled = kept;
    let gone: BTreeMap<u64, (u64, Payload)> = gone;
    for (_, (_, payload)) in gone.into_iter().rev() {
        queue.waiting.push_front(payload);
    }
}
