//! The queue of one worker in memory.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use attune_types::Envelope;

use crate::mailbox::Mailbox;
use crate::queue::{ConsumeOptions, Delivery, DeliveryTag, LinkIdentity};

/// One consumer as the queue sees it.
#[derive(Debug)]
pub(crate) struct Consumer {
    pub(crate) options: ConsumeOptions,
    pub(crate) mailbox: Mailbox,
    pub(crate) paused: AtomicBool,
}

/// A message that waits.
#[derive(Debug, Clone)]
struct Waiting {
    envelope: Envelope,
    redelivered: bool,
}

/// Messages that wait and those who consume them.
#[derive(Debug, Default)]
pub(crate) struct Room {
    waiting: VecDeque<Waiting>,
    consumers: Vec<Arc<Consumer>>,
    /// Counts connections and deliveries of the room's life.
    generations: u64,
    numbers: u64,
}

impl Room {
    /// A message comes in.
    pub(crate) fn push(&mut self, envelope: Envelope) {
        self.waiting.push_back(Waiting { envelope, redelivered: false });
        self.dispatch();
    }

    /// Messages come back, in the order in which they had been delivered.
    pub(crate) fn take_back(&mut self, returned: Vec<Delivery>) {
        for delivery in returned.into_iter().rev() {
            self.waiting.push_front(Waiting { envelope: delivery.envelope, redelivered: true });
        }
    }

    /// A consumer comes, and is connected unless the broker is away.
    pub(crate) fn join(&mut self, consumer: Arc<Consumer>, connected: bool) {
        if connected {
            self.connect(&consumer);
        }
        self.consumers.push(consumer);
        self.dispatch();
    }

    /// A consumer goes; what it had not settled waits again.
    pub(crate) fn leave(&mut self, consumer: &Arc<Consumer>) {
        self.consumers.retain(|known| !Arc::ptr_eq(known, consumer));
        let returned = consumer.mailbox.update(|ledger| ledger.close());
        self.take_back(returned);
        self.dispatch();
    }

    /// Every consumer is told that nothing follows.
    pub(crate) fn close(&mut self) {
        for consumer in std::mem::take(&mut self.consumers) {
            let returned = consumer.mailbox.update(|ledger| ledger.close());
            self.take_back(returned);
        }
    }

    /// Every connection of the room breaks.
    pub(crate) fn break_connections(&mut self, reason: &str) {
        for consumer in self.consumers.clone() {
            if consumer.mailbox.ledger().identity().is_some() {
                let returned = consumer.mailbox.update(|ledger| ledger.lost(reason.to_owned()));
                self.take_back(returned);
            }
        }
    }

    /// Every consumer that has no connection gets another, unless it was paused.
    pub(crate) fn reconnect(&mut self) {
        for consumer in self.consumers.clone() {
            if consumer.mailbox.ledger().identity().is_none() && !consumer.paused.load(Ordering::Acquire) {
                self.connect(&consumer);
            }
        }
        self.dispatch();
    }

    /// Delivers to whoever has room.
    pub(crate) fn dispatch(&mut self) {
        while !self.waiting.is_empty() {
            let Some((consumer, generation)) = self.consumers.iter().find_map(|consumer| {
                let ledger = consumer.mailbox.ledger();
                let generation = ledger.identity()?.generation;
                let has_room = ledger.outstanding() < usize::from(consumer.options.prefetch);
                (has_room && !consumer.paused.load(Ordering::Acquire)).then(|| (Arc::clone(consumer), generation))
            }) else {
                return;
            };
            let Some(Waiting { envelope, redelivered }) = self.waiting.pop_front() else { return };
            self.numbers += 1;
            let tag = DeliveryTag { generation, number: self.numbers };
            consumer.mailbox.update(|ledger| ledger.delivered(Delivery { tag, envelope, redelivered }));
        }
    }

    fn connect(&mut self, consumer: &Consumer) {
        self.generations += 1;
        let identity = LinkIdentity {
            generation: self.generations,
            connection_name: format!("memory {}", consumer.options.worker_name),
            consumer_tag: format!("memory-{}", self.generations),
        };
        consumer.mailbox.update(|ledger| ledger.connected(identity));
    }
}
