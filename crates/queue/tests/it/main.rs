//! One suite for both brokers, and what only RabbitMQ can do.

mod brokers;
mod conformance;
mod faults;
mod permissions;
mod rabbitmq;
mod tls;
mod words;
