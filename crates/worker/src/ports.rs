//! What another crate may plug into a worker's tree.

use std::path::{Path, PathBuf};

use actix::Recipient;
use attune_supervise::TreeBuilder;

use crate::notice::ExecutionNotice;

/// What another crate may plug into a worker's tree.
#[derive(Debug)]
pub struct Ports {
    worker: String,
    state_directory: PathBuf,
    pub(crate) observers: Vec<Recipient<ExecutionNotice>>,
}

impl Ports {
    pub(crate) const fn new(worker: String, state_directory: PathBuf) -> Self {
        Self { worker, state_directory, observers: Vec::new() }
    }

    /// Sends every notice about executions to `observer`.
    pub fn observe(&mut self, observer: Recipient<ExecutionNotice>) {
        self.observers.push(observer);
    }

    /// The worker's name.
    #[must_use]
    pub fn worker(&self) -> &str {
        &self.worker
    }

    /// Where the worker keeps what must survive it. An actor that keeps something there makes a folder of its own.
    #[must_use]
    pub fn state_directory(&self) -> &Path {
        &self.state_directory
    }
}

/// Declares one or more actors of another crate in the tree of a worker.
pub(crate) type Extension = Box<dyn FnOnce(&mut TreeBuilder, &mut Ports)>;
