//! The messenger: RabbitMQ and in-process behind one trait.
//!
//! # Theory of operation
//!
//! The database holds the truth; the messenger only makes it arrive sooner. So a [`Queue`] may lose, repeat, reorder and
//! delay, and everything here is about being honest about it and about never falling silent.
//!
//! [`connect()`] gives RabbitMQ, [`MemoryQueue::new`] the same behaviour inside one process; one conformance suite runs
//! on both.
//!
//! **Publishing.** A batch is pipelined and answered as a whole within five seconds. [`Published::Confirmed`] means that
//! the broker has it and, if it must be routed, that a queue has it: a confirm alone does not say that, so messages are
//! mandatory and returns are looked at. No answer is [`Published::Unknown`], never a failure of the call.
//!
//! **Consuming.** A [`ConsumerLink`] is a task that owns a connection of its own and a ledger of what was delivered and
//! is not settled. Any doubt (an error, the end of the stream, a closed channel, a settlement the client did not take, a
//! probe without answer) drops the whole connection and builds another, with a new number: the generation. A delivery
//! names its generation, so settling one of an earlier life is [`Settled::Stale`] and cannot hit another message.
//! The client library's own recovery is off: after a channel-level close it goes deaf while calling itself connected.
//!
//! **Connections** are made by our own connector: names are resolved in this process by [`Dns`], asked anew every time;
//! connecting and the handshake have a deadline that the client library lacks; a connection that is given up has its
//! socket shut down, since against a frozen broker nothing else ends the client's thread.
//!
//! # Guarantees
//!
//! * A publish ends within its five seconds, whatever the broker does.
//! * A link consumes again within ten seconds after the broker is reachable again, without anybody's help, and declares
//!   whatever is missing: exchange, queues, bindings.
//! * At most `prefetch` deliveries are unsettled at any time, and no queue in here is unbounded.
//! * What cannot be read is parked with its reason, counted and logged; it is never dropped and never delivered.
//! * Credentials appear in no error and no log.

mod connect;
mod doubt;
mod error;
mod ledger;
mod mailbox;
mod memory;
pub mod protocol;
mod queue;
mod rabbit;

pub use attune_names::Dns;
pub use connect::{ConnectOptions, connect};
pub use error::QueueError;
pub use memory::MemoryQueue;
pub use queue::{
    ConsumeOptions, ConsumerLink, Delivery, DeliveryTag, LinkEvent, LinkIdentity, Published, Queue, Settled,
};
