//! The worker's way to the messenger: connecting, doubting, reading.

use attune_queue::protocol::{Heard, is_doubt};
use attune_queue::{Delivery, DeliveryTag, LinkEvent, LinkIdentity};
use attune_types::{Envelope, Payload, Timestamp};
use attune_worker::protocol::{Meaning, meaning};

use super::worker::WorkerEvent;
use super::{MILLI, SECOND, World};
use crate::reach::Point;

impl World {
    pub(super) fn connect(&mut self, number: usize) {
        if self.workers[number].is_link_closed || self.workers[number].link.identity().is_some() {
            return;
        }
        match self.consume(number) {
            Some(generation) => {
                let identity = LinkIdentity { generation, connection_name: String::new(), consumer_tag: String::new() };
                let worker = &mut self.workers[number];
                worker.link.connected(identity);
                worker.link_pause = 0;
                self.read_link(number);
                self.begin_delivering(number);
            }
            None => self.connect_later(number),
        }
    }

    fn connect_later(&mut self, number: usize) {
        let worker = &mut self.workers[number];
        worker.link_pause = (worker.link_pause * 2).clamp(100 * MILLI, 5 * SECOND);
        let pause = worker.link_pause;
        self.worker_later(number, pause, WorkerEvent::Connect);
    }

    pub(super) fn link_hears(&mut self, number: usize, heard: Heard) {
        let worker = &mut self.workers[number];
        if worker.link.identity().is_none() || !is_doubt(heard) {
            return;
        }
        worker.link.lost("doubt".to_owned());
        self.reach(Point::LinkRebuilt);
        self.drop_consumer(number);
        self.read_link(number);
        self.connect_later(number);
    }

    pub(super) fn delivered(&mut self, number: usize, tag: DeliveryTag, payload: Payload) {
        let link = &mut self.workers[number].link;
        if link.identity().is_none_or(|identity| identity.generation != tag.generation) {
            return;
        }
        let envelope = Envelope {
            version: Envelope::VERSION,
            message_id: String::new(),
            occurred_at: Timestamp(0),
            trace: None,
            payload,
        };
        link.delivered(Delivery { tag, envelope, redelivered: false });
        self.read_link(number);
    }

    fn read_link(&mut self, number: usize) {
        while let Some(event) = self.workers[number].link.next() {
            match event {
                LinkEvent::Delivery(delivery) => {
                    let worker = &self.workers[number];
                    match meaning(&delivery.envelope.payload, worker.id, worker.incarnation) {
                        Meaning::Offer(key) => self.offer(number, key, Some(delivery.tag)),
                        Meaning::Beat => {
                            self.beat_now(number);
                            self.settle(number, delivery.tag, true);
                        }
                        Meaning::Nothing => self.settle(number, delivery.tag, false),
                    }
                }
                LinkEvent::Connected(_) => self.beat_now(number),
                LinkEvent::Lost { .. } => {}
                LinkEvent::Closed => return,
            }
        }
    }
}
