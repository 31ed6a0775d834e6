//! How the owner of a tree learns that it ended.

use tokio::sync::watch;

use crate::GiveUp;

/// Why a whole tree is down.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a tree that gave up must end the process"]
pub enum TreeEnd {
    /// It was told to shut down, and did.
    ShutDown,
    /// It could not keep a child alive, and stopped the rest. A process ends with exit code 70 now.
    GaveUp(GiveUp),
    /// Its supervisor was dropped: the system stopped, or nobody held its address any more.
    Abandoned,
}

/// Resolves when a tree is down. Cloneable and `Send`.
///
/// Await it on a task of the runtime (`tokio::spawn`) when a blocked arbiter must not keep the process from noticing.
#[derive(Debug, Clone)]
pub struct Ending {
    pub(crate) end: watch::Receiver<Option<TreeEnd>>,
}

impl Ending {
    /// Waits until every child of the tree is down and returns why.
    pub async fn wait(&mut self) -> TreeEnd {
        match self.end.wait_for(Option::is_some).await {
            Ok(end) => end.clone().unwrap_or(TreeEnd::Abandoned),
            Err(_) => TreeEnd::Abandoned,
        }
    }
}
