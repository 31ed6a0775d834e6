//! Publishes what lies in the outbox, and deletes what the broker confirmed.
//!
//! Owns nothing that matters: every message is a row of the outbox, held for a few seconds by whoever took it. If this
//! actor dies with a batch in hand, the hold runs out and the next life, or another replica, publishes it again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use attune_queue::{Published, Queue};
use attune_store::{OutboxMessage, Store, StoreError};
use attune_supervise::Life;
use attune_types::WorkerId;
use tokio::time::Instant;

use super::backoff::pause;
use super::settle::Returns;
use crate::offload::offload;
use crate::trouble::Trouble;

/// How many rows one look at the outbox takes, and the most one batch publishes.
const BATCH: u32 = 500;

/// How many batches may wait for their confirms at once: a message must not wait for the confirm of the one before it.
const MOST_PUBLISHING: usize = 4;

/// The least time between two looks at the outbox that found something. What is urgent is handed to the relay by whoever
/// wrote it; what lies in the outbox are facts, and gathering them makes few commits of many.
const GATHER: Duration = Duration::from_millis(20);

/// How often the parking queue is looked at: what lies there waits for a person.
const LOOK_AT_PARKING: Duration = Duration::from_secs(10);

/// Publish these. They are rows of the outbox that the sender holds.
#[derive(Debug)]
pub(crate) struct Publish(pub(crate) Vec<OutboxMessage>);

impl Message for Publish {
    type Result = ();
}

/// Something lies in the outbox: take it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drain;

impl Message for Drain {
    type Result = ();
}

/// The pause after a look that found something is over.
#[derive(Debug)]
struct Gathered;

impl Message for Gathered {
    type Result = ();
}

#[derive(Debug)]
struct Tick;

impl Message for Tick {
    type Result = ();
}

/// What a relay needs; survives its restarts.
#[derive(Clone)]
pub(crate) struct RelayDeps {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) queue: Arc<dyn Queue>,
    /// How long a taken row is held.
    pub(crate) hold_ms: i64,
    /// How often the outbox is looked at without being woken.
    pub(crate) tick: Duration,
}

/// What the relay is doing about each of its three jobs. They overlap: while one batch waits for its confirms the next
/// one gathers and the rows of the last one are deleted.
#[derive(Default)]
struct State {
    gathering: Vec<OutboxMessage>,
    /// Batches that wait for their confirms.
    publishing: usize,
    confirmed: Vec<i64>,
    deleting: bool,
    taking: bool,
    /// Woken while taking: take again.
    take_again: bool,
    /// Whether the next look is due after the pause.
    gathering_facts: bool,
    failures: u32,
    quiet_until: Option<Instant>,
    returns: Returns,
    missing: BTreeSet<WorkerId>,
    broker_trouble: u64,
    /// When the parking queue was looked at last, and what lay there then.
    parking: Option<(Instant, u64)>,
    taking_trouble: Trouble,
    deleting_trouble: Trouble,
}

/// The actor.
pub(crate) struct Relay {
    deps: RelayDeps,
    life: Life<Self>,
    state: State,
}

impl Relay {
    pub(crate) fn new(deps: RelayDeps, life: Life<Self>) -> Self {
        Self { deps, life, state: State::default() }
    }

    fn publish_next(&mut self, context: &mut Context<Self>) {
        if self.state.publishing >= MOST_PUBLISHING || self.state.gathering.is_empty() {
            return;
        }
        self.state.publishing += 1;
        let size = self.state.gathering.len().min(BATCH as usize);
        let batch: Vec<OutboxMessage> = self.state.gathering.drain(..size).collect();
        let queue = Arc::clone(&self.deps.queue);
        let publishing = offload(async move {
            let envelopes: Vec<_> = batch.iter().map(|message| message.envelope.clone()).collect();
            let answers = queue.publish(&envelopes).await;
            (batch, answers)
        });
        context.spawn(publishing.into_actor(self).map(|(batch, answers), actor, context| {
            actor.state.publishing -= 1;
            actor.settle(&batch, answers);
            actor.publish_next(context);
            actor.delete_next(context);
        }));
    }

    fn settle(&mut self, batch: &[OutboxMessage], answers: Vec<Published>) {
        let settlement = self.state.returns.settle(batch, answers);
        self.state.confirmed.extend(settlement.delete);
        for worker in settlement.reached {
            self.state.missing.remove(&worker);
        }
        for worker in settlement.missing {
            if self.state.missing.insert(worker) {
                tracing::warn!(worker.id = %worker, "the queue of a worker is missing; its beat will deliver");
            }
        }
        if settlement.unknown == 0 {
            if self.state.failures > 0 {
                tracing::info!(messages = self.state.broker_trouble, "the broker confirms again");
            }
            self.state.failures = 0;
            self.state.broker_trouble = 0;
            self.state.quiet_until = None;
            return;
        }
        if self.state.failures == 0 {
            let reason = settlement.reason.as_deref().unwrap_or("unknown");
            tracing::warn!(reason, "the broker did not confirm; messages stay in the outbox and are sent again");
        }
        self.state.failures = self.state.failures.saturating_add(1);
        self.state.broker_trouble += settlement.unknown as u64;
        self.state.quiet_until = Some(Instant::now() + pause(self.state.failures));
    }

    fn delete_next(&mut self, context: &mut Context<Self>) {
        if self.state.deleting || self.state.confirmed.is_empty() {
            return;
        }
        self.state.deleting = true;
        let ids = std::mem::take(&mut self.state.confirmed);
        let store = Arc::clone(&self.deps.store);
        let deleting = offload(async move {
            let result = store.delete_outbox(&ids).await;
            (ids, result)
        });
        context.spawn(deleting.into_actor(self).map(|(ids, result), actor, context| {
            actor.state.deleting = false;
            if actor.state.deleting_trouble.note("deleting confirmed messages", result).is_some() {
                actor.delete_next(context);
            } else {
                // With the next batch or the next tick; until then the hold keeps others from sending them again.
                actor.state.confirmed.extend(ids);
            }
        }));
    }

    /// Says once whenever more messages were parked. A broker that does not answer is noticed elsewhere.
    fn look_at_parking(&mut self, context: &mut Context<Self>) {
        let known = match self.state.parking {
            Some((looked_at, _)) if looked_at.elapsed() < LOOK_AT_PARKING => return,
            Some((_, known)) => known,
            None => 0,
        };
        self.state.parking = Some((Instant::now(), known));
        let queue = Arc::clone(&self.deps.queue);
        let looking = offload(async move { queue.parked().await });
        context.spawn(looking.into_actor(self).map(move |parked, actor, _| {
            let Ok(parked) = parked else { return };
            if parked > known {
                tracing::error!(
                    messages = parked,
                    more = parked - known,
                    "messages that cannot be read, or that came back too often, lie in the queue attune.parking"
                );
            }
            actor.state.parking = Some((Instant::now(), parked));
        }));
    }

    fn take(&mut self, context: &mut Context<Self>) {
        if self.state.quiet_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        if self.state.taking || self.state.gathering_facts {
            self.state.take_again = true;
            return;
        }
        self.state.taking = true;
        self.state.take_again = false;
        let (store, hold_ms) = (Arc::clone(&self.deps.store), self.deps.hold_ms);
        let taking = offload(async move { store.take_outbox(BATCH, hold_ms).await });
        context.spawn(taking.into_actor(self).map(|result, actor, context| actor.taken(result, context)));
    }

    fn taken(&mut self, result: Result<Vec<OutboxMessage>, StoreError>, context: &mut Context<Self>) {
        self.state.taking = false;
        let Some(messages) = self.state.taking_trouble.note("taking messages from the outbox", result) else { return };
        let (found, full) = (!messages.is_empty(), messages.len() >= BATCH as usize);
        self.state.gathering.extend(messages);
        self.publish_next(context);
        // Not more than a few batches ahead of the broker: what is taken is held, and a hold that runs out is sent twice.
        if full && self.state.gathering.len() < 4 * BATCH as usize {
            self.take(context);
        } else if found || self.state.take_again {
            self.state.gathering_facts = true;
            context.notify_later(Gathered, GATHER);
        }
    }
}

impl Actor for Relay {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        tracing::debug!(actor = self.life.name(), life = self.life.number(), "relay started");
        context.notify(Tick);
    }
}

impl Supervised for Relay {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.state = State::default();
    }
}

impl Handler<Publish> for Relay {
    type Result = ();

    fn handle(&mut self, Publish(messages): Publish, context: &mut Self::Context) {
        self.state.gathering.extend(messages);
        self.publish_next(context);
    }
}

impl Handler<Drain> for Relay {
    type Result = ();

    fn handle(&mut self, _: Drain, context: &mut Self::Context) {
        self.take(context);
    }
}

impl Handler<Gathered> for Relay {
    type Result = ();

    fn handle(&mut self, _: Gathered, context: &mut Self::Context) {
        self.state.gathering_facts = false;
        if std::mem::take(&mut self.state.take_again) {
            self.take(context);
        }
    }
}

impl Handler<Tick> for Relay {
    type Result = ();

    fn handle(&mut self, _: Tick, context: &mut Self::Context) {
        self.take(context);
        self.delete_next(context);
        self.look_at_parking(context);
        context.notify_later(Tick, self.deps.tick);
    }
}
