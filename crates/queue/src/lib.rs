//! The messenger: RabbitMQ and in-process behind one trait.

mod error;
mod queue;

pub use error::QueueError;
pub use queue::{
    ConsumeOptions, ConsumerLink, Delivery, DeliveryTag, LinkEvent, LinkIdentity, Published, Queue, Settled,
};
