//! RabbitMQ for tests.

mod broker;
mod control;
mod node;
mod queue_counts;

pub use broker::TestBroker;
pub use node::RabbitNode;
pub use queue_counts::QueueCounts;
