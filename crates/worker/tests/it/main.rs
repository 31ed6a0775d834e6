//! Whole workers with real processes: embedded, and on PostgreSQL and RabbitMQ.

mod away_store;
mod crashes;
mod data;
mod doctor;
mod drain;
mod environments;
mod extensions;
mod fixture;
mod helper;
mod keeping;
mod limits;
mod outcomes;
mod output;
mod pathologies;
mod protocol;
mod real_parts;
mod redaction;
mod runtimes;
mod sandbox;
