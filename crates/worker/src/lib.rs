//! The actor system that executes.

mod artifact_store;
mod error;
pub mod fence;
mod mode;
mod notice;
mod settings;
mod stop_reason;

pub use artifact_store::{ArtifactStore, StoreArtifacts};
pub use error::WorkerError;
pub use mode::Mode;
pub use notice::ExecutionNotice;
pub use settings::Settings;
pub use stop_reason::StopReason;
