//! What was delivered on the present connection and is not settled: pure bookkeeping.

use std::collections::{BTreeMap, VecDeque};

use crate::queue::{Delivery, DeliveryTag, LinkEvent, LinkIdentity};

/// The state of a link: its connection, the events nobody has read yet and the deliveries nobody has settled yet.
///
/// Bounded: losing a connection voids its deliveries and whatever was said about it, so at most the prefetch, one `Lost`,
/// one `Connected` and one `Closed` wait.
#[derive(Debug, Default)]
pub struct Ledger {
    identity: Option<LinkIdentity>,
    waiting: VecDeque<LinkEvent>,
    handed_out: BTreeMap<u64, Delivery>,
    closed: bool,
}

impl Ledger {
    /// A connection consumes.
    pub fn connected(&mut self, identity: LinkIdentity) {
        if self.closed {
            return;
        }
        self.waiting.push_back(LinkEvent::Connected(identity.clone()));
        self.identity = Some(identity);
    }

    /// The connection is gone and all its deliveries with it. Answers them, oldest first.
    pub fn lost(&mut self, reason: String) -> Vec<Delivery> {
        let void = self.void();
        if !self.closed {
            self.waiting.push_back(LinkEvent::Lost { reason });
        }
        void
    }

    /// A message came.
    pub fn delivered(&mut self, delivery: Delivery) {
        self.waiting.push_back(LinkEvent::Delivery(delivery));
    }

    /// Nothing follows. Answers what was not settled, oldest first.
    pub fn close(&mut self) -> Vec<Delivery> {
        let void = self.void();
        self.closed = true;
        void
    }

    /// The next event for a reader; a delivery is handed out by this.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "a later call may answer again")]
    pub fn next(&mut self) -> Option<LinkEvent> {
        match self.waiting.pop_front() {
            Some(LinkEvent::Delivery(delivery)) => {
                self.handed_out.insert(delivery.tag.number, delivery.clone());
                Some(LinkEvent::Delivery(delivery))
            }
            None if self.closed => Some(LinkEvent::Closed),
            other => other,
        }
    }

    /// Takes a delivery off the books; `None` if it is stale: of an earlier connection, settled before, or never handed
    /// out.
    #[must_use]
    pub fn settle(&mut self, tag: DeliveryTag) -> Option<Delivery> {
        let current = self.identity.as_ref().is_some_and(|identity| identity.generation == tag.generation);
        if current { self.handed_out.remove(&tag.number) } else { None }
    }

    /// Takes back the deliveries that no reader has seen, oldest first.
    #[must_use]
    pub fn take_unseen(&mut self) -> Vec<Delivery> {
        let (unseen, rest) = std::mem::take(&mut self.waiting).into_iter().partition::<VecDeque<_>, _>(is_delivery);
        self.waiting = rest;
        unseen.into_iter().filter_map(into_delivery).collect()
    }

    /// Handed out and not settled, oldest first.
    #[must_use]
    pub fn unsettled(&self) -> Vec<Delivery> {
        self.handed_out.values().cloned().collect()
    }

    /// How many deliveries are unsettled, seen or not.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.handed_out.len() + self.waiting.iter().filter(|event| is_delivery(event)).count()
    }

    /// The present connection.
    #[must_use]
    pub fn identity(&self) -> Option<&LinkIdentity> {
        self.identity.as_ref()
    }

    fn void(&mut self) -> Vec<Delivery> {
        self.identity = None;
        let seen = std::mem::take(&mut self.handed_out).into_values();
        let unseen = std::mem::take(&mut self.waiting).into_iter().filter_map(into_delivery);
        seen.chain(unseen).collect()
    }
}

fn is_delivery(event: &LinkEvent) -> bool {
    matches!(event, LinkEvent::Delivery(_))
}

fn into_delivery(event: LinkEvent) -> Option<Delivery> {
    match event {
        LinkEvent::Delivery(delivery) => Some(delivery),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use attune_types::{Envelope, ExecutionId, Payload, Timestamp, WorkerId};

    use super::*;

    fn identity(generation: u64) -> LinkIdentity {
        LinkIdentity { generation, connection_name: "test".into(), consumer_tag: "tag".into() }
    }

    fn delivery(generation: u64, number: u64) -> Delivery {
        let payload = Payload::Cancel { execution: ExecutionId(1), worker: WorkerId(1) };
        let envelope = Envelope {
            version: Envelope::VERSION,
            message_id: number.to_string(),
            occurred_at: Timestamp(0),
            trace: None,
            payload,
        };
        Delivery { tag: DeliveryTag { generation, number }, envelope, redelivered: false }
    }

    fn with_one_handed_out() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.connected(identity(1));
        ledger.delivered(delivery(1, 1));
        assert_eq!(ledger.next(), Some(LinkEvent::Connected(identity(1))));
        assert_eq!(ledger.next(), Some(LinkEvent::Delivery(delivery(1, 1))));
        ledger
    }

    #[test]
    fn a_delivery_is_settled_once() {
        let mut ledger = with_one_handed_out();
        assert_eq!(ledger.unsettled(), [delivery(1, 1)]);
        assert_eq!(ledger.settle(delivery(1, 1).tag), Some(delivery(1, 1)));
        assert_eq!(ledger.settle(delivery(1, 1).tag), None);
        assert_eq!(ledger.outstanding(), 0);
    }

    #[test]
    fn a_delivery_that_was_not_handed_out_cannot_be_settled() {
        let mut ledger = with_one_handed_out();
        ledger.delivered(delivery(1, 2));
        assert_eq!(ledger.settle(delivery(1, 2).tag), None);
        assert_eq!(ledger.outstanding(), 2);
    }

    #[test]
    fn a_lost_connection_voids_what_it_delivered() {
        let mut ledger = with_one_handed_out();
        ledger.delivered(delivery(1, 2));
        assert_eq!(ledger.lost("cut".into()), [delivery(1, 1), delivery(1, 2)]);
        ledger.connected(identity(2));
        assert_eq!(ledger.settle(delivery(1, 1).tag), None);
        assert_eq!(ledger.next(), Some(LinkEvent::Lost { reason: "cut".into() }));
        assert_eq!(ledger.next(), Some(LinkEvent::Connected(identity(2))));
        assert_eq!(ledger.next(), None);
    }

    #[test]
    fn the_same_number_on_another_connection_is_another_delivery() {
        let mut ledger = with_one_handed_out();
        ledger.lost("cut".into());
        ledger.connected(identity(2));
        ledger.delivered(delivery(2, 1));
        while ledger.next().is_some() {}
        assert_eq!(ledger.settle(delivery(1, 1).tag), None);
        assert_eq!(ledger.settle(delivery(2, 1).tag), Some(delivery(2, 1)));
    }

    #[test]
    fn nobody_reading_does_not_make_it_grow() {
        let mut ledger = Ledger::default();
        for generation in 1..100 {
            ledger.connected(identity(generation));
            ledger.delivered(delivery(generation, 1));
            ledger.lost(format!("{generation}"));
        }
        assert_eq!(ledger.waiting.len(), 1);
    }

    #[test]
    fn pausing_takes_back_only_what_nobody_saw() {
        let mut ledger = with_one_handed_out();
        ledger.delivered(delivery(1, 2));
        assert_eq!(ledger.take_unseen(), [delivery(1, 2)]);
        assert_eq!(ledger.unsettled(), [delivery(1, 1)]);
    }

    #[test]
    fn after_closing_only_closed_is_said() {
        let mut ledger = with_one_handed_out();
        assert_eq!(ledger.close(), [delivery(1, 1)]);
        ledger.connected(identity(2));
        ledger.lost("late".into());
        assert_eq!(ledger.next(), Some(LinkEvent::Closed));
        assert_eq!(ledger.next(), Some(LinkEvent::Closed));
        assert_eq!(ledger.settle(delivery(1, 1).tag), None);
    }
}
