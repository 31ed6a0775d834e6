//! The one trait behind which the brokers stand.

use std::sync::Arc;

use async_trait::async_trait;
use attune_types::{Envelope, WorkerId};
use tokio::sync::mpsc;

use crate::error::QueueError;

/// What came of publishing one message.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// The broker has it, and, if it must be routed, a queue has it.
    Confirmed,
    /// The broker took it and no queue wanted it.
    Returned {
        /// What the broker said.
        reason: String,
    },
    /// Nobody knows: no confirm in time, a refusal, or a broken connection. Send it again.
    Unknown {
        /// What went wrong.
        reason: String,
    },
}

/// The messenger. It may lose, repeat, reorder and delay: whoever uses it holds the truth elsewhere.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// `rabbitmq` or `memory`, for people.
    fn kind(&self) -> &'static str;

    /// Publishes messages, pipelined, and waits for all answers together; answers in order. Never takes longer than
    /// the confirm timeout (5 s) and never fails as a whole: a broken connection makes the rest `Unknown`.
    async fn publish(&self, messages: &[Envelope]) -> Vec<Published>;

    /// Makes the queue of a worker and keeps consuming from it until [`ConsumerLink::close`]: any doubt rebuilds the
    /// whole connection.
    async fn consume(&self, options: ConsumeOptions) -> Result<Arc<dyn ConsumerLink>, QueueError>;

    /// Facts as they pass by, whose type is in `types` (e.g. `execution.completed`); from now on, with no memory. The
    /// receiver ends only when it is dropped or the queue is closed.
    async fn facts(&self, types: &[&str]) -> Result<mpsc::Receiver<Envelope>, QueueError>;

    /// How many messages lie in the parking queue: those that could not be read, and those that came back too often.
    /// Somebody should look at them; nothing waits for them.
    async fn parked(&self) -> Result<u64, QueueError> {
        Ok(0)
    }

    /// Whether the broker answers now.
    async fn ping(&self) -> Result<(), QueueError>;

    /// Closes every connection.
    async fn close(&self);
}

/// How to consume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumeOptions {
    /// Whose queue.
    pub worker: WorkerId,
    /// Shown to the broker's operator.
    pub worker_name: String,
    /// How many messages may be unacknowledged at once.
    pub prefetch: u16,
}

/// Names one delivery on one life of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeliveryTag {
    /// The how-manieth connection of this link.
    pub generation: u64,
    /// The broker's number for it on that connection.
    pub number: u64,
}

/// A message that must be settled: acknowledged, returned or parked, exactly once.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Its name.
    pub tag: DeliveryTag,
    /// What it says.
    pub envelope: Envelope,
    /// Whether the broker says that it may have been delivered before.
    pub redelivered: bool,
}

/// What a link has to say.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkEvent {
    /// A message came.
    Delivery(Delivery),
    /// Consuming, for the first time or again.
    Connected(LinkIdentity),
    /// Not consuming; the link is rebuilding itself. Every unsettled delivery of that generation is void.
    Lost {
        /// What went wrong.
        reason: String,
    },
    /// [`ConsumerLink::close`] was called; nothing follows.
    Closed,
}

/// Which connection and consumer a link is using: equal before and after means that nothing was rebuilt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkIdentity {
    /// Counts connections, from 1.
    pub generation: u64,
    /// The connection's name at the broker.
    pub connection_name: String,
    /// The consumer's tag at the broker.
    pub consumer_tag: String,
}

/// Whether the broker took a settlement.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It did.
    Done,
    /// The delivery belongs to a connection that is gone or was settled before: the broker will deliver it again, or
    /// has forgotten it.
    Stale,
}

/// A consumer that rebuilds itself. It outlives whoever reads from it: the ledger of what was delivered and not yet
/// settled lives here, so that a reader that crashed can ask for it.
#[async_trait]
pub trait ConsumerLink: Send + Sync {
    /// Waits for the next event. May be cancelled without losing one; if two readers wait, each event goes to one.
    async fn next(&self) -> LinkEvent;

    /// Done with it: the broker may forget it.
    async fn acknowledge(&self, tag: DeliveryTag) -> Settled;

    /// Give it back to be delivered again.
    async fn requeue(&self, tag: DeliveryTag) -> Settled;

    /// Deliveries that [`ConsumerLink::next`] handed out on the present connection and that are not settled.
    fn unsettled(&self) -> Vec<Delivery>;

    /// Which connection it is using; `None` while it has none.
    fn identity(&self) -> Option<LinkIdentity>;

    /// How many messages could not be read and were parked, ever.
    fn parked(&self) -> u64;

    /// Stops delivering. What is unsettled can still be settled until [`ConsumerLink::close`].
    async fn pause(&self);

    /// Stops consuming and closes the connection; what is unsettled goes back to the queue.
    async fn close(&self);
}
