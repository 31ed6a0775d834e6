//! A consumer of the messenger inside one process.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::queue::{State, lock};
use super::room::{Consumer, Room};
use crate::queue::{ConsumerLink, Delivery, DeliveryTag, LinkEvent, LinkIdentity, Settled};

/// One consumer. Dropping it is like closing it.
#[derive(Debug)]
pub(super) struct MemoryLink {
    state: Arc<Mutex<State>>,
    consumer: Arc<Consumer>,
}

impl MemoryLink {
    pub(super) fn new(state: Arc<Mutex<State>>, consumer: Arc<Consumer>) -> Self {
        Self { state, consumer }
    }

    fn in_room<T>(&self, act: impl FnOnce(&mut Room) -> T) -> Option<T> {
        lock(&self.state).rooms.get_mut(&self.consumer.options.worker).map(act)
    }

    fn leave(&self) {
        self.in_room(|room| room.leave(&self.consumer));
    }

    fn settle(&self, tag: DeliveryTag, give_back: bool) -> Settled {
        // Inside the room's lock, so that a connection cannot break between the books and the queue.
        let settled = self.in_room(|room| {
            let delivery = self.consumer.mailbox.ledger().settle(tag);
            let done = delivery.is_some();
            if give_back {
                room.take_back(delivery.into_iter().collect());
            }
            room.dispatch();
            done
        });
        if settled == Some(true) { Settled::Done } else { Settled::Stale }
    }
}

#[async_trait]
impl ConsumerLink for MemoryLink {
    async fn next(&self) -> LinkEvent {
        self.consumer.mailbox.next().await
    }

    async fn acknowledge(&self, tag: DeliveryTag) -> Settled {
        self.settle(tag, false)
    }

    async fn requeue(&self, tag: DeliveryTag) -> Settled {
        self.settle(tag, true)
    }

    fn unsettled(&self) -> Vec<Delivery> {
        self.consumer.mailbox.ledger().unsettled()
    }

    fn identity(&self) -> Option<LinkIdentity> {
        self.consumer.mailbox.ledger().identity().cloned()
    }

    fn parked(&self) -> u64 {
        // Messages never leave their typed form here, so there are none that cannot be read.
        0
    }

    async fn pause(&self) {
        self.in_room(|room| {
            self.consumer.paused.store(true, Ordering::Release);
            let unseen = self.consumer.mailbox.ledger().take_unseen();
            room.take_back(unseen);
            room.dispatch();
        });
    }

    async fn close(&self) {
        self.leave();
    }
}

impl Drop for MemoryLink {
    fn drop(&mut self) {
        self.leave();
    }
}
