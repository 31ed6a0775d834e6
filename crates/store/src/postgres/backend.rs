//! PostgreSQL as a [`Backend`].

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use attune_types::{Incarnation, LogChunk};
use sqlx::PgPool;
use tokio::task::AbortHandle;

use crate::audit::AuditNote;
use crate::backend::Backend;
use crate::error::StoreError;
use crate::model::{
    Answered, Assigned, Assignment, Beat, BeatReply, ClaimAnswer, ClaimRequest, Completion, OutboxMessage,
    ReaperPolicy, Submitted,
};
use crate::open::masked;
use crate::operations;
use crate::operations::submit::RequestRow;
use crate::options::OpenOptions;
use crate::postgres::connection::{Reader, Writing};
use crate::postgres::pool::{self, Suspicion, Who};
use crate::postgres::{bulk, bulk_access, listener, migrations, sealed, single, trust};
use crate::secret_store::SealedAssignment;
use crate::session::{Session, Transact};
use crate::sql_store::SqlStore;
use crate::token;
use crate::trouble::Trouble;
use crate::unit::Unit;
use crate::wake_bus::{Touched, WakeBus};

/// The connections to one PostgreSQL database, and one beside them that listens.
#[derive(Debug)]
pub struct PostgresBackend {
    pool: PgPool,
    listening: PgPool,
    instance: String,
    suspicion: Suspicion,
    runtime: tokio::runtime::Handle,
    listener: OnceLock<AbortHandle>,
}

impl Drop for PostgresBackend {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.get() {
            listener.abort();
        }
    }
}

impl SqlStore<PostgresBackend> {
    /// Opens `postgres://user:password@host/database`. Must be called inside a tokio runtime, which then also carries
    /// the listener.
    ///
    /// # Errors
    /// [`StoreError::Url`] when the URL cannot be used, [`StoreError::Away`] when nobody answers in time,
    /// [`StoreError::Refused`] when the server turns us away.
    pub async fn open(url: &str, options: OpenOptions) -> Result<Self, StoreError> {
        let refused = |error: sqlx::Error| StoreError::Url { url: masked(url), reason: error.to_string() };
        let connect = pool::connect_options(url, &options).map_err(refused)?;
        let connect = trust::secured(connect, url, &options).await?;
        let random = || -> Result<String, StoreError> {
            Ok(token::fresh()?.0.iter().map(|byte| format!("{byte:02x}")).collect())
        };
        let instance = random()?;
        let who = Who { instance: instance.clone(), secret: random()?, worker_key: options.enrolment_key.clone() };
        let who = Arc::new(who);
        let suspicion = Suspicion::default();
        let pool = pool::options(&options, options.max_connections.max(1), &who, &suspicion)
            .connect_with(connect.clone())
            .await
            .map_err(|error| Trouble::from(error).during("connecting"))?;
        let listening = pool::options(&options, 1, &who, &Suspicion::default())
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(connect);
        let backend = PostgresBackend {
            pool,
            listening,
            instance,
            suspicion,
            runtime: tokio::runtime::Handle::current(),
            listener: OnceLock::new(),
        };
        Ok(Self { backend, wakes: WakeBus::new(), options })
    }

    /// The pool, for maintenance and for tests that go around the store.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.backend.pool
    }
}

#[async_trait]
impl Backend for PostgresBackend {
    fn kind(&self) -> &'static str {
        "postgres"
    }

    async fn read(&self) -> Result<Box<dyn Session>, Trouble> {
        Ok(Box::new(Reader(self.pool.acquire().await?)))
    }

    async fn begin(&self) -> Result<Box<dyn Transact>, Trouble> {
        Ok(Box::new(Writing(self.pool.begin().await?)))
    }

    async fn migrate(&self) -> Result<usize, StoreError> {
        migrations::run(&self.pool).await.map_err(|source| StoreError::Migrate { source })
    }

    async fn close(&self) {
        if let Some(listener) = self.listener.get() {
            listener.abort();
        }
        self.listening.close().await;
        self.pool.close().await;
    }

    fn suspect(&self) {
        self.suspicion.raise(self.pool.options().get_max_connections());
    }

    fn listen(&self, wakes: &WakeBus) {
        self.listener.get_or_init(|| {
            let run = listener::run(self.listening.clone(), self.instance.clone(), wakes.clone());
            self.runtime.spawn(run).abort_handle()
        });
    }

    async fn submit(&self, requests: Vec<RequestRow>) -> Result<(Vec<Submitted>, Touched), Trouble> {
        bulk::submit(&self.pool, requests).await
    }

    async fn assign(
        &self,
        assignments: &[Assignment],
        policy: &ReaperPolicy,
    ) -> Result<(Vec<Assigned>, Touched), Trouble> {
        bulk::assign(&self.pool, assignments, policy).await
    }

    async fn assign_sealed(
        &self,
        assignments: &[SealedAssignment],
        policy: &ReaperPolicy,
    ) -> Result<(Vec<Assigned>, Touched), Trouble> {
        sealed::assign(&self.pool, assignments, policy).await
    }

    async fn claim(
        &self,
        incarnation: Incarnation,
        requests: &[ClaimRequest],
    ) -> Result<(Vec<ClaimAnswer>, Touched), Trouble> {
        let (mut answers, mut touched) = bulk::claim(&self.pool, incarnation, requests).await?;
        let left: Vec<usize> = (0..answers.len())
            .filter(|place| requests[*place].again && answers[*place] == ClaimAnswer::Refused)
            .collect();
        if !left.is_empty() {
            // Those that may have been granted before, by a call whose answer got lost.
            let rest: Vec<ClaimRequest> = left.iter().map(|place| requests[*place].clone()).collect();
            let mut unit = Unit::begin(self.begin().await?).await?;
            let decided = operations::claim::claim(&mut unit, incarnation, &rest).await?;
            touched.add(unit.commit().await?);
            for (place, answer) in left.into_iter().zip(decided) {
                answers[place] = answer;
            }
        }
        Ok((answers, touched))
    }

    async fn complete(&self, completions: &[Completion]) -> Result<(Vec<Answered>, Touched), Trouble> {
        if completions.iter().any(|completion| completion.outputs.is_some()) {
            // Ends with secret outputs are rare: one after the other, so that the statement over whole lists stays small.
            let mut unit = Unit::begin(self.begin().await?).await?;
            let answers = operations::complete::complete(&mut unit, completions).await?;
            return Ok((answers, unit.commit().await?));
        }
        let (applied, mut touched) = bulk::complete(&self.pool, completions).await?;
        let mut answers: Vec<Answered> =
            applied.iter().map(|applied| if *applied { Answered::Accepted } else { Answered::Refused }).collect();
        let left: Vec<usize> = (0..answers.len()).filter(|place| !applied[*place]).collect();
        if !left.is_empty() {
            // What needs a decision, and what is stale and may have a late word.
            let rest: Vec<Completion> = left.iter().map(|place| completions[*place].clone()).collect();
            let mut unit = Unit::begin(self.begin().await?).await?;
            let decided = operations::complete::complete(&mut unit, &rest).await?;
            touched.add(unit.commit().await?);
            for (place, answer) in left.into_iter().zip(decided) {
                answers[place] = answer;
            }
        }
        Ok((answers, touched))
    }

    async fn append_logs(&self, chunks: &[LogChunk]) -> Result<(), Trouble> {
        bulk::append_logs(&self.pool, chunks).await
    }

    async fn audit(&self, notes: &[AuditNote]) -> Result<(), Trouble> {
        bulk_access::audit(&self.pool, notes).await
    }

    async fn beat(&self, beat: &Beat) -> Result<BeatReply, Trouble> {
        single::beat(&self.pool, beat).await
    }

    async fn take_outbox(&self, limit: u32, hold_ms: i64) -> Result<Vec<OutboxMessage>, Trouble> {
        single::take_outbox(&self.pool, limit, hold_ms).await
    }

    async fn delete_outbox(&self, ids: &[i64]) -> Result<(), Trouble> {
        bulk::delete_outbox(&self.pool, ids).await
    }
}
