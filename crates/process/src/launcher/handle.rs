//! The handle to a launcher.

use std::io;
use std::sync::Arc;

use tokio::sync::mpsc::Sender;

use crate::child::{self, Child};
use crate::chunk::Chunk;
use crate::collected::{self, Collected};
use crate::command::Command;
use crate::launcher::{Fence, LauncherProgram};
use crate::spawn_error::SpawnError;

/// Starts children. Cheap to clone; the launcher ends when the last clone and the last [`Child`] are gone.
#[derive(Debug, Clone)]
pub struct Launcher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    fence: Fence,
}

impl Launcher {
    /// Starts a launcher.
    ///
    /// # Errors
    ///
    /// What the operating system said when the program could not be started.
    pub fn start(_program: LauncherProgram) -> io::Result<Self> {
        Ok(Self { shared: Arc::new(Shared { fence: Fence::new() }) })
    }

    /// Starts `command`. Its output goes to `chunks` while [`Child::wait`] runs: bounded, so a slow receiver slows the
    /// child down instead of filling memory; a receiver that was dropped does not hold it up.
    ///
    /// Must be called inside a tokio runtime with I/O and time enabled.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] says why nothing was started.
    pub async fn spawn(&self, command: Command, chunks: Sender<Chunk>) -> Result<Child, SpawnError> {
        child::spawn(command, chunks)
    }

    /// Runs `command` to its end and collects its output, at most [`Command::stdout`] and [`Command::stderr`] of it.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] says why nothing was started. How a child that did start ended is not an error.
    pub async fn run_to_end(&self, command: Command) -> Result<Collected, SpawnError> {
        collected::run_to_end(command).await
    }

    /// Puts off the moment at which everything that this launcher started has to be dead.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.shared.fence.clone()
    }
}
