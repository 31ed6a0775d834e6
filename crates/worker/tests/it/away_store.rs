//! A store that can go away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use attune_store::*;
use attune_types::{
    ActionRef, ActionSpec, Artifact, Attempt, Environment, Execution, ExecutionId, Incarnation, LogChunk, PackSpec,
    RuntimeSpec, Worker, WorkerId, WorkerStatus,
};
use tokio::sync::broadcast;

/// A real store behind a door that can be shut.
pub(crate) struct AwayStore {
    inner: Arc<dyn Store>,
    /// The same store with its connections closed: its errors are those of a database that is not there.
    closed: Arc<dyn Store>,
    away: AtomicBool,
    /// How many claims are still taken and then not answered.
    unanswered_claims: AtomicUsize,
}

impl AwayStore {
    pub(crate) async fn new(inner: Arc<dyn Store>) -> Self {
        let closed = attune_store::open("sqlite::memory:", OpenOptions::default()).await.expect("it opens");
        closed.close().await;
        let error = closed.ping().await.expect_err("it is closed");
        assert!(error.is_passing(), "{error:?}");
        Self { inner, closed, away: AtomicBool::new(false), unanswered_claims: AtomicUsize::new(0) }
    }

    /// The next so many claims are taken, and their answers get lost.
    pub(crate) fn lose_answers_of_claims(&self, claims: usize) {
        self.unanswered_claims.store(claims, Ordering::SeqCst);
    }

    /// From now on nothing answers, or everything again.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    async fn here(&self) -> Result<(), StoreError> {
        if self.away.load(Ordering::SeqCst) { self.closed.ping().await } else { Ok(()) }
    }
}

#[async_trait]
impl Store for AwayStore {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    async fn migrate(&self) -> Result<usize, StoreError> {
        self.inner.migrate().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.here().await?;
        self.inner.ping().await
    }

    fn wakes(&self) -> broadcast::Receiver<Wake> {
        self.inner.wakes()
    }

    async fn close(&self) {
        self.inner.close().await;
    }

    fn admission(&self) -> &dyn Admission {
        self.inner.admission()
    }

    fn secrets(&self) -> &dyn SecretStore {
        self.inner.secrets()
    }

    async fn put_pack(&self, contents: &PackContents) -> Result<(), StoreError> {
        self.here().await?;
        self.inner.put_pack(contents).await
    }

    async fn remove_pack(&self, pack_ref: &str) -> Result<bool, StoreError> {
        self.here().await?;
        self.inner.remove_pack(pack_ref).await
    }

    async fn packs(&self) -> Result<Vec<PackSpec>, StoreError> {
        self.here().await?;
        self.inner.packs().await
    }

    async fn actions(&self, pack_ref: Option<&str>) -> Result<Vec<ActionSpec>, StoreError> {
        self.here().await?;
        self.inner.actions(pack_ref).await
    }

    async fn action(&self, action: &ActionRef) -> Result<Option<ActionSpec>, StoreError> {
        self.here().await?;
        self.inner.action(action).await
    }

    async fn runtimes(&self) -> Result<Vec<RuntimeSpec>, StoreError> {
        self.here().await?;
        self.inner.runtimes().await
    }

    async fn register_runtime(&self, runtime: &RuntimeSpec, detection: &serde_json::Value) -> Result<(), StoreError> {
        self.here().await?;
        self.inner.register_runtime(runtime, detection).await
    }

    async fn submit(&self, requests: Vec<NewExecution>) -> Result<Vec<Submitted>, StoreError> {
        self.here().await?;
        self.inner.submit(requests).await
    }

    async fn execution(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.here().await?;
        self.inner.execution(id).await
    }

    async fn executions(&self, filter: &ExecutionFilter) -> Result<ExecutionPage, StoreError> {
        self.here().await?;
        self.inner.executions(filter).await
    }

    async fn attempts(&self, id: ExecutionId) -> Result<Vec<Attempt>, StoreError> {
        self.here().await?;
        self.inner.attempts(id).await
    }

    async fn events(&self, id: Option<ExecutionId>, after: i64, limit: u32) -> Result<EventPage, StoreError> {
        self.here().await?;
        self.inner.events(id, after, limit).await
    }

    async fn cancel(&self, id: ExecutionId, by: &str) -> Result<CancelAnswer, StoreError> {
        self.here().await?;
        self.inner.cancel(id, by).await
    }

    async fn retry(&self, id: ExecutionId, may_run_twice: bool, by: &str) -> Result<RetryAnswer, StoreError> {
        self.here().await?;
        self.inner.retry(id, may_run_twice, by).await
    }

    async fn logs(&self, id: ExecutionId, after: i64, limit: u32) -> Result<Vec<(i64, LogChunk)>, StoreError> {
        self.here().await?;
        self.inner.logs(id, after, limit).await
    }

    async fn placement_view(&self, limit: u32, skip: &[String]) -> Result<PlacementView, StoreError> {
        self.here().await?;
        self.inner.placement_view(limit, skip).await
    }

    async fn queue_depths(&self) -> Result<Vec<QueueDepth>, StoreError> {
        self.here().await?;
        self.inner.queue_depths().await
    }

    async fn assign(&self, assignments: Vec<Assignment>, policy: &ReaperPolicy) -> Result<Vec<Assigned>, StoreError> {
        self.here().await?;
        self.inner.assign(assignments, policy).await
    }

    async fn take_back(&self, worker: WorkerId, at_most: u32) -> Result<Vec<ExecutionId>, StoreError> {
        self.here().await?;
        self.inner.take_back(worker, at_most).await
    }

    async fn take_outbox(&self, limit: u32, hold_ms: i64) -> Result<Vec<OutboxMessage>, StoreError> {
        self.here().await?;
        self.inner.take_outbox(limit, hold_ms).await
    }

    async fn delete_outbox(&self, ids: &[i64]) -> Result<(), StoreError> {
        self.here().await?;
        self.inner.delete_outbox(ids).await
    }

    async fn reap(&self, policy: &ReaperPolicy) -> Result<ReapReport, StoreError> {
        self.here().await?;
        self.inner.reap(policy).await
    }

    async fn register_worker(&self, registration: &Registration) -> Result<Registered, StoreError> {
        self.here().await?;
        self.inner.register_worker(registration).await
    }

    async fn beat(&self, beat: &Beat) -> Result<BeatReply, StoreError> {
        self.here().await?;
        self.inner.beat(beat).await
    }

    async fn claim(
        &self,
        incarnation: Incarnation,
        requests: Vec<ClaimRequest>,
    ) -> Result<Vec<ClaimAnswer>, StoreError> {
        self.here().await?;
        let answers = self.inner.claim(incarnation, requests).await?;
        let is_lost = |left: usize| left.checked_sub(1);
        if self.unanswered_claims.fetch_update(Ordering::SeqCst, Ordering::SeqCst, is_lost).is_ok() {
            self.closed.ping().await?;
        }
        Ok(answers)
    }

    async fn start(&self, incarnation: Incarnation, tokens: Vec<HandBack>) -> Result<Vec<Answered>, StoreError> {
        self.here().await?;
        self.inner.start(incarnation, tokens).await
    }

    async fn complete(&self, completions: Vec<Completion>) -> Result<Vec<Answered>, StoreError> {
        self.here().await?;
        self.inner.complete(completions).await
    }

    async fn hand_back(&self, incarnation: Incarnation, attempts: Vec<HandBack>) -> Result<Vec<Answered>, StoreError> {
        self.here().await?;
        self.inner.hand_back(incarnation, attempts).await
    }

    async fn append_logs(&self, chunks: Vec<LogChunk>) -> Result<(), StoreError> {
        self.here().await?;
        self.inner.append_logs(chunks).await
    }

    async fn put_environments(&self, worker: WorkerId, environments: Vec<Environment>) -> Result<(), StoreError> {
        self.here().await?;
        self.inner.put_environments(worker, environments).await
    }

    async fn environments(&self) -> Result<Vec<Environment>, StoreError> {
        self.here().await?;
        self.inner.environments().await
    }

    async fn forget_environments(&self, worker: WorkerId, fingerprints: Vec<String>) -> Result<(), StoreError> {
        self.here().await?;
        self.inner.forget_environments(worker, fingerprints).await
    }

    async fn put_artifacts(&self, artifacts: Vec<Artifact>) -> Result<(), StoreError> {
        self.here().await?;
        self.inner.put_artifacts(artifacts).await
    }

    async fn artifacts(&self, id: ExecutionId) -> Result<Vec<Artifact>, StoreError> {
        self.here().await?;
        self.inner.artifacts(id).await
    }

    async fn expired_artifacts(&self, worker: &str, place: &str, limit: u32) -> Result<Vec<Artifact>, StoreError> {
        self.here().await?;
        self.inner.expired_artifacts(worker, place, limit).await
    }

    async fn forget_artifacts(&self, artifacts: Vec<Artifact>) -> Result<(), StoreError> {
        self.here().await?;
        self.inner.forget_artifacts(artifacts).await
    }

    async fn retain(&self, policy: &RetentionPolicy, after: ExecutionId) -> Result<Retained, StoreError> {
        self.here().await?;
        self.inner.retain(policy, after).await
    }

    async fn deregister_worker(&self, id: WorkerId, incarnation: Incarnation) -> Result<(), StoreError> {
        self.here().await?;
        self.inner.deregister_worker(id, incarnation).await
    }

    async fn workers(&self) -> Result<Vec<Worker>, StoreError> {
        self.here().await?;
        self.inner.workers().await
    }

    async fn set_worker_status(&self, name: &str, status: WorkerStatus) -> Result<bool, StoreError> {
        self.here().await?;
        self.inner.set_worker_status(name, status).await
    }
}
