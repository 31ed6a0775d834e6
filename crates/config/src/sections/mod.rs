//! The sections of the configuration, one type each. What a key means stands in [`crate::KEYS`]; here is its type.

mod client;
mod database;
mod log;
mod log_format;
mod message_queue;
mod packs;
mod paths;
mod protocol;
mod security;
mod server;
mod worker;
mod worker_capabilities;
mod worker_type;

pub use client::Client;
pub use database::Database;
pub use log::Log;
pub use log_format::LogFormat;
pub use message_queue::MessageQueue;
pub use packs::Packs;
pub use paths::Paths;
pub use protocol::Protocol;
pub use security::Security;
pub use server::Server;
pub use worker::Worker;
pub use worker_capabilities::WorkerCapabilities;
pub use worker_type::WorkerType;
