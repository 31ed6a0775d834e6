//! The messenger, which may lose, repeat, reorder and delay.

use std::collections::{BTreeMap, HashSet, VecDeque};

use attune_queue::protocol::{Heard, confirm_timeout};
use attune_queue::{DeliveryTag, Published};
use attune_store::OutboxMessage;
use attune_types::{AttemptState, Payload, WorkerId};

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
    unsettled: BTreeMap<u64, Payload>,
    consumer: Option<(usize, u64, u64)>,
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
                    *self.way.free_rows.entry(message.id).or_default() += 1;
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
            let Some((number, life, generation)) = queue.consumer else { return };
            if queue.unsettled.len() >= self.workers[number].slots * 3 {
                return;
            }
            let Some(payload) = queue.waiting.pop_front() else { return };
            self.broker.numbers += 1;
            let tag = DeliveryTag { generation, number: self.broker.numbers };
            queue.unsettled.insert(tag.number, payload.clone());
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
        let queue = self.broker.queues.entry(id).or_default();
        give_back(queue);
        queue.consumer = Some((number, life, generation));
        Some(generation)
    }

    /// After it has noted its connection.
    pub(crate) fn begin_delivering(&mut self, number: usize) {
        self.deliver(self.workers[number].id);
    }

    /// A consumer is gone: what it had not settled waits again.
    pub(crate) fn drop_consumer(&mut self, number: usize) {
        let life = self.workers[number].life;
        for queue in self.broker.queues.values_mut() {
            if queue.consumer.is_some_and(|consumer| (consumer.0, consumer.1) == (number, life)) {
                queue.consumer = None;
                give_back(queue);
            }
        }
    }

    /// A worker settles a delivery. `is_given_back`: its attempt was given back, or its worker leaves.
    pub(crate) fn settle(&mut self, number: usize, tag: DeliveryTag, is_given_back: bool) {
        let worker = &mut self.workers[number];
        let Some(delivery) = worker.link.settle(tag) else { return };
        let (id, incarnation) = (worker.id, worker.incarnation);
        if let Payload::Scheduled { execution, attempt, .. } = delivery.envelope.payload
            && !is_given_back
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
        let consumers: Vec<usize> =
            self.broker.queues.values().filter_map(|queue| queue.consumer.map(|consumer| consumer.0)).collect();
        for queue in self.broker.queues.values_mut() {
            queue.consumer = None;
            give_back(queue);
        }
        if wipe {
            self.broker.queues.clear();
        }
        for number in consumers {
            let life = self.workers[number].life;
            self.after(MILLI, Event::Worker(number, life, WorkerEvent::LinkHears(heard)));
        }
    }

    /// The channel of one worker is closed, or its queue deleted.
    pub(crate) fn break_consumer(&mut self, number: usize, heard: Heard, wipe: bool) {
        let (id, life) = (self.workers[number].id, self.workers[number].life);
        self.drop_consumer(number);
        if wipe {
            self.broker.queues.remove(&id);
        }
        self.after(MILLI, Event::Worker(number, life, WorkerEvent::LinkHears(heard)));
    }

    /// Whether a worker consumes.
    pub(crate) fn is_consuming(&self, number: usize) -> bool {
        let worker = &self.workers[number];
        let consumer = self.broker.queues.get(&worker.id).and_then(|queue| queue.consumer);
        consumer.is_some_and(|consumer| (consumer.0, consumer.1) == (number, worker.life))
    }

    /// How many messages wait at, or were not settled by, anybody who consumes.
    pub(crate) fn undelivered(&self) -> usize {
        let consumed = self.broker.queues.values().filter(|queue| queue.consumer.is_some());
        consumed.map(|queue| queue.waiting.len() + queue.unsettled.len()).sum()
    }

    /// A queue whose consumer is connected.
    pub(crate) fn queues(&self) -> Vec<WorkerId> {
        self.broker.queues.keys().copied().collect()
    }
}

fn give_back(queue: &mut Queue) {
    for (_, payload) in std::mem::take(&mut queue.unsettled).into_iter().rev() {
        queue.waiting.push_front(payload);
    }
}
