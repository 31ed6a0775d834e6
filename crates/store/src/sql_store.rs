//! The trait, over any database.

use std::future::Future;

use async_trait::async_trait;
use attune_types::{
    ActionRef, ActionSpec, Artifact, Attempt, Environment, Execution, ExecutionId, Incarnation, LogChunk, PackSpec,
    RuntimeSpec, Worker, WorkerId, WorkerStatus,
};
use tokio::sync::broadcast;

use crate::admission::Admission;
use crate::backend::Backend;
use crate::error::StoreError;
use crate::model::{
    Answered, Assigned, Assignment, Beat, BeatReply, CancelAnswer, ClaimAnswer, ClaimRequest, Completion, EventPage,
    ExecutionFilter, ExecutionPage, HandBack, NewExecution, OutboxMessage, PackContents, PlacementView, ReapReport,
    ReaperPolicy, Registered, Registration, Retained, RetentionPolicy, RetryAnswer, Submitted, Wake,
};
use crate::operations::submit::RequestRow;
use crate::operations::{
    artifacts, cancel, catalogue, depth, environments, hand_back, logs, reading, reap, register, retain, take_back,
    view,
};
use crate::options::OpenOptions;
use crate::queue_depth::QueueDepth;
use crate::secret_store::SecretStore;
use crate::session::{Session, Sql};
use crate::sql_secrets;
use crate::store::Store;
use crate::trouble::Trouble;
use crate::unit::Unit;
use crate::wake_bus::{Touched, WakeBus};

/// A [`Store`] over one database: `SqliteStore` or [`crate::PostgresStore`].
#[derive(Debug)]
pub struct SqlStore<B> {
    pub(crate) backend: B,
    pub(crate) wakes: WakeBus,
    pub(crate) options: OpenOptions,
}

#[expect(private_bounds, reason = "only the two databases of this crate can stand behind a store")]
impl<B: Backend> SqlStore<B> {
    /// Runs a call for at most the configured time and says what was being done when it fails. What is given up is
    /// rolled back, and its connection is closed when it does not answer.
    pub(crate) async fn bounded<T>(
        &self,
        doing: &'static str,
        call: impl Future<Output = Result<T, Trouble>> + Send,
    ) -> Result<T, StoreError> {
        let result = match tokio::time::timeout(self.options.call_timeout, call).await {
            Ok(result) => result.map_err(|trouble| trouble.during(doing)),
            Err(_elapsed) => {
                let source = sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut));
                Err(StoreError::Away { doing, source })
            }
        };
        if result.as_ref().is_err_and(StoreError::is_passing) {
            self.backend.suspect();
        }
        result
    }

    pub(crate) async fn unit(&self) -> Result<Unit, Trouble> {
        Unit::begin(self.backend.begin().await?).await
    }

    pub(crate) async fn session(&self) -> Result<Box<dyn Session>, Trouble> {
        self.backend.read().await
    }

    pub(crate) async fn commit(&self, unit: Unit) -> Result<(), Trouble> {
        let touched = unit.commit().await?;
        self.wakes.tell(&touched);
        Ok(())
    }

    pub(crate) fn told<T>(&self, (answers, touched): (T, Touched)) -> T {
        self.wakes.tell(&touched);
        answers
    }

    /// Moves the clock of the database by `micros` against the real one, for simulations and tests.
    ///
    /// # Errors
    /// As every call of the store.
    pub async fn set_clock_offset(&self, micros: i64) -> Result<(), StoreError> {
        const OFFSET: Sql = Sql::same("UPDATE setting SET clock_offset_us = $1 WHERE one = 1");
        self.bounded("setting the clock", async {
            let mut unit = self.unit().await?;
            unit.run(OFFSET, vec![micros.into()]).await?;
            self.commit(unit).await
        })
        .await
    }
}

#[async_trait]
impl<B: Backend> Store for SqlStore<B> {
    fn kind(&self) -> &'static str {
        self.backend.kind()
    }

    async fn migrate(&self) -> Result<usize, StoreError> {
        self.backend.migrate().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        const PING: Sql = Sql::same("SELECT 1 AS one");
        self.bounded("asking whether it is there", async {
            self.session().await?.all(PING, Vec::new()).await?;
            Ok(())
        })
        .await
    }

    fn wakes(&self) -> broadcast::Receiver<Wake> {
        self.backend.listen(&self.wakes);
        self.wakes.subscribe()
    }

    async fn close(&self) {
        self.backend.close().await;
    }

    fn admission(&self) -> &dyn Admission {
        self
    }

    fn secrets(&self) -> &dyn SecretStore {
        self
    }

    async fn put_pack(&self, contents: &PackContents) -> Result<(), StoreError> {
        self.bounded("storing a pack", async {
            let mut unit = self.unit().await?;
            catalogue::put_pack(&mut unit, contents).await?;
            self.commit(unit).await
        })
        .await
    }

    async fn remove_pack(&self, pack_ref: &str) -> Result<bool, StoreError> {
        self.bounded("removing a pack", async {
            let mut unit = self.unit().await?;
            let removed = catalogue::remove_pack(&mut unit, pack_ref).await?;
            self.commit(unit).await?;
            Ok(removed)
        })
        .await
    }

    async fn packs(&self) -> Result<Vec<PackSpec>, StoreError> {
        self.bounded("listing packs", async { catalogue::packs(&mut *self.session().await?).await }).await
    }

    async fn actions(&self, pack_ref: Option<&str>) -> Result<Vec<ActionSpec>, StoreError> {
        self.bounded("listing actions", async { catalogue::actions(&mut *self.session().await?, pack_ref).await }).await
    }

    async fn action(&self, action: &ActionRef) -> Result<Option<ActionSpec>, StoreError> {
        self.bounded("reading an action", async { catalogue::action(&mut *self.session().await?, action).await }).await
    }

    async fn runtimes(&self) -> Result<Vec<RuntimeSpec>, StoreError> {
        self.bounded("listing runtimes", async { catalogue::runtimes(&mut *self.session().await?).await }).await
    }

    async fn register_runtime(&self, runtime: &RuntimeSpec, detection: &serde_json::Value) -> Result<(), StoreError> {
        self.bounded("noting a runtime", async {
            let mut unit = self.unit().await?;
            catalogue::find_runtime(&mut unit, runtime, detection).await?;
            self.commit(unit).await
        })
        .await
    }

    async fn submit(&self, requests: Vec<NewExecution>) -> Result<Vec<Submitted>, StoreError> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        self.bounded("accepting executions", async {
            let rows = requests.iter().map(RequestRow::new).collect::<Result<Vec<_>, _>>()?;
            Ok(self.told(self.backend.submit(rows).await?))
        })
        .await
    }

    async fn execution(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.bounded("reading an execution", async { reading::execution(&mut *self.session().await?, id).await }).await
    }

    async fn executions(&self, filter: &ExecutionFilter) -> Result<ExecutionPage, StoreError> {
        self.bounded("listing executions", async { reading::executions(&mut *self.session().await?, filter).await })
            .await
    }

    async fn attempts(&self, id: ExecutionId) -> Result<Vec<Attempt>, StoreError> {
        self.bounded("listing attempts", async { reading::attempts(&mut *self.session().await?, id).await }).await
    }

    async fn events(&self, id: Option<ExecutionId>, after: i64, limit: u32) -> Result<EventPage, StoreError> {
        self.bounded("listing events", async { reading::events(&mut *self.session().await?, id, after, limit).await })
            .await
    }

    async fn cancel(&self, id: ExecutionId, by: &str) -> Result<CancelAnswer, StoreError> {
        self.bounded("cancelling an execution", async {
            let mut unit = self.unit().await?;
            let answer = cancel::cancel(&mut unit, id, by).await?;
            self.commit(unit).await?;
            Ok(answer)
        })
        .await
    }

    async fn retry(&self, id: ExecutionId, may_run_twice: bool, by: &str) -> Result<RetryAnswer, StoreError> {
        sql_secrets::repeat(self, id, may_run_twice, by, None).await
    }

    async fn logs(&self, id: ExecutionId, after: i64, limit: u32) -> Result<Vec<(i64, LogChunk)>, StoreError> {
        self.bounded("reading logs", async { logs::read(&mut *self.session().await?, id, after, limit).await }).await
    }

    async fn placement_view(&self, limit: u32, skip: &[String]) -> Result<PlacementView, StoreError> {
        self.bounded("looking at queue and workers", async {
            view::placement(&mut *self.session().await?, limit, skip).await
        })
        .await
    }

    async fn queue_depths(&self) -> Result<Vec<QueueDepth>, StoreError> {
        self.bounded("counting what waits", async { depth::depths(&mut *self.session().await?).await }).await
    }

    async fn assign(&self, assignments: Vec<Assignment>, policy: &ReaperPolicy) -> Result<Vec<Assigned>, StoreError> {
        if assignments.is_empty() {
            return Ok(Vec::new());
        }
        self.bounded("assigning executions", async { Ok(self.told(self.backend.assign(&assignments, policy).await?)) })
            .await
    }

    async fn take_back(&self, worker: WorkerId, at_most: u32) -> Result<Vec<ExecutionId>, StoreError> {
        self.bounded("taking back assignments", async {
            let mut unit = self.unit().await?;
            let taken = take_back::take_back(&mut unit, worker, at_most).await?;
            self.commit(unit).await?;
            Ok(taken)
        })
        .await
    }

    async fn take_outbox(&self, limit: u32, hold_ms: i64) -> Result<Vec<OutboxMessage>, StoreError> {
        self.bounded("taking messages", async { self.backend.take_outbox(limit, hold_ms).await }).await
    }

    async fn delete_outbox(&self, ids: &[i64]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        self.bounded("deleting messages", async { self.backend.delete_outbox(ids).await }).await
    }

    async fn reap(&self, policy: &ReaperPolicy) -> Result<ReapReport, StoreError> {
        self.bounded("reaping", async {
            let mut unit = self.unit().await?;
            let report = reap::reap(&mut unit, policy).await?;
            self.commit(unit).await?;
            Ok(report)
        })
        .await
    }

    async fn register_worker(&self, registration: &Registration) -> Result<Registered, StoreError> {
        self.bounded("registering a worker", async {
            let mut unit = self.unit().await?;
            let registered = register::register(&mut unit, registration).await?;
            self.commit(unit).await?;
            Ok(registered)
        })
        .await
    }

    async fn beat(&self, beat: &Beat) -> Result<BeatReply, StoreError> {
        self.bounded("beating", async { self.backend.beat(beat).await }).await
    }

    async fn claim(
        &self,
        incarnation: Incarnation,
        requests: Vec<ClaimRequest>,
    ) -> Result<Vec<ClaimAnswer>, StoreError> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        self.bounded("claiming", async { Ok(self.told(self.backend.claim(incarnation, &requests).await?)) }).await
    }

    async fn start(&self, incarnation: Incarnation, tokens: Vec<HandBack>) -> Result<Vec<Answered>, StoreError> {
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        self.bounded("starting", async {
            let mut unit = self.unit().await?;
            let answers = hand_back::start(&mut unit, incarnation, &tokens).await?;
            self.commit(unit).await?;
            Ok(answers)
        })
        .await
    }

    async fn complete(&self, completions: Vec<Completion>) -> Result<Vec<Answered>, StoreError> {
        if completions.is_empty() {
            return Ok(Vec::new());
        }
        self.bounded("completing", async { Ok(self.told(self.backend.complete(&completions).await?)) }).await
    }

    async fn hand_back(&self, incarnation: Incarnation, attempts: Vec<HandBack>) -> Result<Vec<Answered>, StoreError> {
        if attempts.is_empty() {
            return Ok(Vec::new());
        }
        self.bounded("handing back", async {
            let mut unit = self.unit().await?;
            let answers = hand_back::hand_back(&mut unit, incarnation, &attempts, self.options.most_unstarted).await?;
            self.commit(unit).await?;
            Ok(answers)
        })
        .await
    }

    async fn append_logs(&self, chunks: Vec<LogChunk>) -> Result<(), StoreError> {
        if chunks.is_empty() {
            return Ok(());
        }
        self.bounded("appending logs", async { self.backend.append_logs(&chunks).await }).await?;
        let mut executions: Vec<ExecutionId> = chunks.iter().map(|chunk| chunk.execution).collect();
        executions.sort_unstable();
        executions.dedup();
        self.wakes.tell(&Touched { executions, ..Touched::default() });
        Ok(())
    }

    async fn put_artifacts(&self, artifacts: Vec<Artifact>) -> Result<(), StoreError> {
        if artifacts.is_empty() {
            return Ok(());
        }
        self.bounded("noting artifacts", async {
            let mut unit = self.unit().await?;
            artifacts::put(&mut unit, &artifacts).await?;
            self.commit(unit).await
        })
        .await
    }

    async fn artifacts(&self, id: ExecutionId) -> Result<Vec<Artifact>, StoreError> {
        self.bounded("listing artifacts", async { artifacts::read(&mut *self.session().await?, id).await }).await
    }

    async fn expired_artifacts(&self, worker: &str, place: &str, limit: u32) -> Result<Vec<Artifact>, StoreError> {
        self.bounded("listing old artifacts", async {
            artifacts::read_expired(&mut *self.session().await?, worker, place, limit).await
        })
        .await
    }

    async fn forget_artifacts(&self, artifacts: Vec<Artifact>) -> Result<(), StoreError> {
        if artifacts.is_empty() {
            return Ok(());
        }
        self.bounded("forgetting artifacts", async {
            let mut unit = self.unit().await?;
            artifacts::forget(&mut unit, &artifacts).await?;
            self.commit(unit).await
        })
        .await
    }

    async fn retain(&self, policy: &RetentionPolicy, after: ExecutionId) -> Result<Retained, StoreError> {
        self.bounded("removing what is old", async {
            let mut unit = self.unit().await?;
            let retained = retain::retain(&mut unit, policy, after).await?;
            self.commit(unit).await?;
            Ok(retained)
        })
        .await
    }

    async fn deregister_worker(&self, id: WorkerId, incarnation: Incarnation) -> Result<(), StoreError> {
        self.bounded("letting a worker go", async {
            let mut unit = self.unit().await?;
            register::deregister(&mut unit, id, incarnation).await?;
            self.commit(unit).await
        })
        .await
    }

    async fn put_environments(&self, worker: WorkerId, environments: Vec<Environment>) -> Result<(), StoreError> {
        self.bounded("noting environments", async {
            let mut unit = self.unit().await?;
            environments::put(&mut unit, worker, &environments).await?;
            self.commit(unit).await
        })
        .await
    }

    async fn environments(&self) -> Result<Vec<Environment>, StoreError> {
        self.bounded("listing environments", async { environments::read(&mut *self.session().await?).await }).await
    }

    async fn forget_environments(&self, worker: WorkerId, fingerprints: Vec<String>) -> Result<(), StoreError> {
        self.bounded("forgetting environments", async {
            let mut unit = self.unit().await?;
            environments::forget(&mut unit, worker, &fingerprints).await?;
            self.commit(unit).await
        })
        .await
    }

    async fn workers(&self) -> Result<Vec<Worker>, StoreError> {
        self.bounded("listing workers", async { view::workers(&mut *self.session().await?).await }).await
    }

    async fn set_worker_status(&self, name: &str, status: WorkerStatus) -> Result<bool, StoreError> {
        self.bounded("setting a worker's status", async {
            let mut unit = self.unit().await?;
            let found = register::set_status(&mut unit, name, status).await?;
            self.commit(unit).await?;
            Ok(found)
        })
        .await
    }
}
