//! The relay of a server, as `relay/actor.rs` of the product does it, with its decisions.

use attune_control::protocol::{MOST_RETURNS, pause};
use attune_queue::Published;
use attune_store::OutboxMessage;

use super::server::{Asked, ServerEvent};
use super::store::Request;
use super::{MILLI, World};
use crate::reach::Point;

const BATCH: u32 = 500;
const MOST_PUBLISHING: usize = 4;

impl World {
    pub(super) fn publish_next(&mut self, number: usize) {
        let relaying = &mut self.servers[number].relaying;
        if relaying.publishing.len() >= MOST_PUBLISHING || relaying.gathering.is_empty() {
            return;
        }
        let size = relaying.gathering.len().min(BATCH as usize);
        let messages: Vec<OutboxMessage> = relaying.gathering.drain(..size).collect();
        relaying.batches += 1;
        let batch = relaying.batches;
        relaying.publishing.insert(batch, messages.clone());
        self.publish(number, batch, messages);
    }

    pub(super) fn published(&mut self, number: usize, batch: u64, answers: Vec<Published>) {
        let now = self.now;
        let relaying = &mut self.servers[number].relaying;
        let Some(messages) = relaying.publishing.remove(&batch) else { return };
        let settlement = relaying.returns.settle(&messages, answers);
        relaying.confirmed.extend(settlement.delete);
        if settlement.unknown == 0 {
            relaying.failures = 0;
            relaying.quiet_until = None;
        } else {
            relaying.failures = relaying.failures.saturating_add(1);
            let pause = i64::try_from(pause(relaying.failures).as_micros()).unwrap_or(i64::MAX);
            relaying.quiet_until = Some(now + pause);
            self.reach(Point::PublishUnknown);
        }
        self.publish_next(number);
        self.delete_next(number);
    }

    pub(super) fn delete_next(&mut self, number: usize) {
        let relaying = &mut self.servers[number].relaying;
        if relaying.is_deleting || relaying.confirmed.is_empty() {
            return;
        }
        relaying.is_deleting = true;
        let ids = std::mem::take(&mut relaying.confirmed);
        self.server_ask(number, Asked::Delete(ids.clone()), Request::DeleteOutbox(ids));
    }

    pub(super) fn deleted(&mut self, number: usize, ids: Vec<i64>, is_done: bool) {
        let relaying = &mut self.servers[number].relaying;
        relaying.is_deleting = false;
        if is_done {
            self.delete_next(number);
        } else {
            relaying.confirmed.extend(ids);
        }
    }

    pub(super) fn take_outbox(&mut self, number: usize) {
        let now = self.now;
        let relaying = &mut self.servers[number].relaying;
        if relaying.quiet_until.is_some_and(|until| now < until) {
            return;
        }
        if relaying.is_taking || relaying.is_gathering {
            relaying.takes_again = true;
            return;
        }
        relaying.is_taking = true;
        relaying.takes_again = false;
        self.server_ask(number, Asked::TakeOutbox, Request::TakeOutbox(BATCH));
    }

    pub(super) fn outbox_taken(&mut self, number: usize, messages: Option<Vec<OutboxMessage>>) {
        let relaying = &mut self.servers[number].relaying;
        relaying.is_taking = false;
        let Some(messages) = messages else { return };
        let (found, full) = (!messages.is_empty(), messages.len() >= BATCH as usize);
        relaying.gathering.extend(messages);
        self.publish_next(number);
        let relaying = &mut self.servers[number].relaying;
        if full && relaying.gathering.len() < 4 * BATCH as usize {
            self.take_outbox(number);
        } else if found || relaying.takes_again {
            relaying.is_gathering = true;
            self.server_later(number, 20 * MILLI, ServerEvent::Gathered);
        }
    }

    /// Only what the broker took, or sent back often enough, may be forgotten.
    pub(super) fn judge_deletion(&mut self, ids: &[i64]) {
        for id in ids {
            let is_free = self.way.free_rows.get(id).is_some_and(|returns| *returns >= MOST_RETURNS);
            if !is_free && self.database.outbox().contains_key(id) {
                let payload = self.database.outbox().get(id).map(|row| row.payload.clone());
                self.violations.note("deleted_unconfirmed", || format!("outbox row {id}: {payload:?}"));
            }
        }
    }
}
