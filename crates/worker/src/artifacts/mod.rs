//! What executions leave behind, on its way to where it is kept.

pub(crate) mod artifact_sink;
mod artifact_store;
pub(crate) mod collect;
mod journal;
mod log_port;
mod log_record;

pub(crate) use artifact_sink::{ArtifactSink, ArtifactSinkDeps};
pub use artifact_store::{ArtifactStore, StoreArtifacts};
#[cfg(test)]
pub(crate) use log_port::LogOrder;
pub(crate) use log_port::LogPort;
