//! Whole deployments of real programs: one server, any number of workers, a database and a broker.
//!
//! # Theory of operation
//!
//! The programs are the ones cargo built beside the test (`target/<profile>/attune-server` and so on), started as an
//! operator would start them: with environment variables, in a folder of their own, and ended by signals. Nothing of
//! Attune is linked in, so what is tested is what ships.
//!
//! * [`Program`] is one started program; dropping it kills it and waits for it.
//! * [`Deployment`] is a server with its workers.
//! * [`Client`] speaks the HTTP API.

mod client;
mod deployment;
mod program;

pub use client::{Client, ClientError};
pub use deployment::Deployment;
pub use program::{Program, binary, repository, static_agent};
