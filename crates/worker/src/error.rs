//! Why a worker could not start.

use std::path::PathBuf;

use attune_queue::QueueError;
use attune_store::StoreError;

/// A worker that could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// [`crate::WorkerBuilder::store`] or [`crate::WorkerBuilder::queue`] was not called.
    #[error("no {what} was given")]
    Missing {
        /// `store` or `queue`.
        what: &'static str,
    },
    /// The database could not be used.
    #[error("the database could not be used while {doing}")]
    Store {
        /// What was being done.
        doing: &'static str,
        /// The store's error.
        #[source]
        source: StoreError,
    },
    /// The broker could not be used.
    #[error("the broker could not be used while {doing}")]
    Queue {
        /// What was being done.
        doing: &'static str,
        /// The queue's error.
        #[source]
        source: Box<QueueError>,
    },
    /// A directory of this worker could not be made or written.
    #[error("directory {} cannot be used", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: std::io::Error,
    },
    /// There is nothing to start processes with.
    #[error("the launcher of processes could not be started")]
    Launcher(#[source] std::io::Error),
    /// The place where files are kept cannot be used.
    #[error("the place where files are kept cannot be used")]
    Artifacts(#[source] attune_artifacts::PlaceError),
    /// The machine gives less of a sandbox than is required.
    #[error(transparent)]
    Sandbox(#[from] attune_process::sandbox::SandboxUnavailable),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {reason}")]
    Random {
        /// Why.
        reason: String,
    },
    /// The packs could not be read.
    #[error("packs could not be read: {reason}")]
    Packs {
        /// Why.
        reason: String,
    },
}

impl WorkerError {
    /// Whether something this worker depends on is to blame, rather than how it was called.
    #[must_use]
    pub const fn is_dependency(&self) -> bool {
        matches!(self, Self::Store { .. } | Self::Queue { .. })
    }
}
