//! What every request can reach.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use actix::WeakAddr;
use attune_queue::Queue;
use attune_store::{AuditNote, GroupCommit, NewExecution, Store, StoreError, Submitted};
use attune_supervise::Supervisor;
use attune_types::{Execution, ExecutionId};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use super::access::{Desk, Gatekeeper, Limiter};
use super::artifacts::SharedPlace;
use super::catalogue::Catalogue;
use super::problem::Problem;
use crate::agents::AgentShelf;
use crate::secrets::Vault;
use crate::waiters::Waiters;

/// How many logs may be followed at once.
pub(crate) const MOST_FOLLOWERS: usize = 1000;

/// How many requests may wait for an execution at once.
pub(crate) const MOST_WAITING: usize = 10_000;

/// How long somebody who waits goes without looking when no wake-up comes.
pub(crate) const LOOK: Duration = Duration::from_secs(1);

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub(crate) struct ApiState {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) submits: GroupCommit<NewExecution, Submitted>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) waiters: Waiters,
    pub(crate) gatekeeper: Gatekeeper,
    pub(crate) limiter: Limiter,
    /// Where refusals are handed in for the audit trail.
    pub(crate) desk: Desk,
    /// Where files of executions are kept; absent: out of reach.
    pub(crate) place: Option<SharedPlace>,
    /// The agents that are given out; absent: none are.
    pub(crate) agents: Option<Arc<AgentShelf>>,
    /// The keys of secrets; absent: none can be kept.
    pub(crate) vault: Option<Arc<Vault>>,
    /// The runtime that database connections live on. Requests are read on threads with runtimes of their own; a
    /// connection that was opened there would go away with them.
    pub(crate) runtime: Handle,
    /// Turns true when the server is going away, so that nobody waits on.
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) followers: Arc<Semaphore>,
    pub(crate) waiting: Arc<Semaphore>,
    /// The tree that the server is part of.
    pub(crate) tree: WeakAddr<Supervisor>,
}

impl ApiState {
    /// Asks the store something on the main runtime. The question is asked to its end even when the client goes away.
    pub(crate) async fn ask<Answer, Asking>(
        &self,
        question: impl FnOnce(Arc<dyn Store>) -> Asking,
    ) -> Result<Answer, Problem>
    where
        Answer: Send + 'static,
        Asking: Future<Output = Result<Answer, StoreError>> + Send + 'static,
    {
        match self.runtime.spawn(question(Arc::clone(&self.store))).await {
            Ok(answer) => answer.map_err(Problem::from),
            Err(error) => {
                tracing::error!(error = %error, "a question to the store broke off");
                Err(Problem::internal())
            }
        }
    }

    /// One execution.
    pub(crate) async fn execution(&self, id: ExecutionId) -> Result<Execution, Problem> {
        let found = self.ask(move |store| async move { store.execution(id).await }).await?;
        found.ok_or_else(|| Problem::not_found(format!("there is no execution {id}")))
    }

    /// Notes in the audit trail what is about to be answered. When that cannot be noted, it is not answered.
    pub(crate) async fn audit(&self, note: AuditNote) -> Result<(), Problem> {
        self.ask(move |store| async move { store.admission().audit(vec![note]).await }).await
    }

    /// Returns when the server is going away.
    pub(crate) async fn until_stopping(&self) {
        let mut stopping = self.stopping.clone();
        if stopping.wait_for(|stopping| *stopping).await.is_err() {
            // Nobody can say so any more: whoever could is gone, and so is the server.
        }
    }
}
