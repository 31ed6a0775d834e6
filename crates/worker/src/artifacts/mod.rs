//! What executions leave behind, on its way to where it is kept.

pub(crate) mod artifact_sink;
mod artifact_store;
mod collect;
mod disk;
mod journal;
mod log_port;
mod log_record;
mod redacted_names;

pub(crate) use artifact_sink::{ArtifactSink, ArtifactSinkDeps};
pub use artifact_store::{ArtifactStore, StoreArtifacts};
pub(crate) use collect::{Keeping, Kept};
pub(crate) use disk::is_nearly_full;
pub(crate) use journal::Journal;
#[cfg(test)]
pub(crate) use log_port::LogOrder;
pub(crate) use log_port::LogPort;
pub(crate) use redacted_names::RedactedNames;
