//! A control plane that runs.

use std::net::SocketAddr;

use actix::{Addr, MailboxError};
use attune_supervise::{Ending, Shutdown, ShutdownReport, Status, Supervisor, TreeEnd, TreeStatus};

/// A control plane that runs. It lives as long as this handle or a clone of [`ControlHandle::tree`]; dropping the last of
/// them aborts it.
pub struct ControlHandle {
    address: SocketAddr,
    supervisor: Addr<Supervisor>,
    ending: Ending,
}

impl ControlHandle {
    pub(crate) fn new(address: SocketAddr, supervisor: Addr<Supervisor>, ending: Ending) -> Self {
        Self { address, supervisor, ending }
    }

    /// Where the API listens, with the port that was taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the API as a URL, e.g. `http://127.0.0.1:8080`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The supervisor of its tree.
    #[must_use]
    pub fn tree(&self) -> Addr<Supervisor> {
        self.supervisor.clone()
    }

    /// A picture of its tree.
    ///
    /// # Errors
    /// When the tree is down.
    pub async fn status(&self) -> Result<TreeStatus, MailboxError> {
        self.supervisor.send(Status).await
    }

    /// Stops it: the API first, which finishes the requests it has, the relay last. Sending twice waits twice.
    pub async fn stop(&self) -> ShutdownReport {
        self.supervisor.send(Shutdown).await.unwrap_or_default()
    }

    /// Resolves when the tree is down, with the reason: it was stopped, or it gave up and the process should leave with 70.
    pub async fn ended(&self) -> TreeEnd {
        self.ending().await
    }

    /// The same for a task of its own: when the thread of the actors is blocked, only that notices.
    pub fn ending(&self) -> impl Future<Output = TreeEnd> + Send + use<> {
        let mut ending = self.ending.clone();
        async move { ending.wait().await }
    }
}
