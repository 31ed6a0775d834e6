//! RabbitMQ, through a client whose recovery is our own.

mod address;
mod backoff;
mod body;
mod closing;
mod dial_error;
mod dialer;
mod facts;
mod link;
mod link_task;
mod publisher;
mod queue;
mod station;
mod tls;
mod topology;
mod wire;
mod wire_form;

pub(crate) use address::BrokerAddress;
pub(crate) use dialer::Dialer;
pub(crate) use queue::RabbitQueue;
