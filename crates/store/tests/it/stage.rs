//! A database of its own for each case, and short words for what the cases do with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use attune_store::{
    Answered, Assigned, Assignment, ClaimAnswer, ClaimRequest, Claimed, Completion, Hold, NewExecution, OpenOptions,
    PostgresStore, ReaperPolicy, Registration, SqliteStore, Store,
};
use attune_testkit::postgres::TestDatabase;
use attune_types::{
    AttemptNumber, Capabilities, Execution, ExecutionId, ExecutionSpec, ExecutionStatus, Incarnation, LeaseToken,
    Outcome, Payload, RetryCause, RetryPolicy, WorkerId,
};
use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, Row};

/// How long a condition may take to come true.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

enum Raw {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

enum Home {
    Memory,
    File(tempfile::TempDir),
    Server(TestDatabase),
}

/// One database with the schema in it.
pub(crate) struct Stage {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) policy: ReaperPolicy,
    raw: Raw,
    home: Home,
    offset_us: AtomicI64,
}

impl Stage {
    pub(crate) async fn sqlite_memory() -> Self {
        Self::sqlite(Home::Memory, "sqlite::memory:").await
    }

    pub(crate) async fn sqlite_file() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("deep/store.db").display());
        Self::sqlite(Home::File(folder), &url).await
    }

    async fn sqlite(home: Home, url: &str) -> Self {
        let store = Arc::new(SqliteStore::open(url, OpenOptions::default()).await.expect("opened"));
        Self::ready(store.clone(), Raw::Sqlite(store), home).await
    }

    pub(crate) async fn postgres() -> Self {
        let database = TestDatabase::create().await;
        let store = Arc::new(PostgresStore::open(database.url(), OpenOptions::default()).await.expect("opened"));
        Self::ready(store.clone(), Raw::Postgres(store), Home::Server(database)).await
    }

    async fn ready(store: Arc<dyn Store>, raw: Raw, home: Home) -> Self {
        assert!(store.migrate().await.expect("migrated") > 0);
        Self { store, policy: ReaperPolicy::default(), raw, home, offset_us: AtomicI64::new(0) }
    }

    /// The same database opened once more, where it can be.
    pub(crate) async fn opened_again(&self) -> Option<Arc<dyn Store>> {
        let url = match &self.home {
            Home::Memory => return None,
            Home::File(folder) => format!("sqlite:{}", folder.path().join("deep/store.db").display()),
            Home::Server(database) => database.url().to_owned(),
        };
        Some(attune_store::open(&url, OpenOptions::default()).await.expect("opened again"))
    }

    /// The same database as somebody else sees it, on PostgreSQL: the role that its connections take on.
    pub(crate) async fn as_role(&self, role: &str, options: OpenOptions) -> PostgresStore {
        let Home::Server(database) = &self.home else { panic!("only a server has roles") };
        let sign = if database.url().contains('?') { '&' } else { '?' };
        let url = format!("{}{sign}options=-c%20role%3D{role}", database.url());
        PostgresStore::open(&url, options).await.expect("opened")
    }

    pub(crate) async fn close(self) {
        self.store.close().await;
    }

    /// Lets time pass for the database.
    pub(crate) async fn pass(&self, millis: i64) {
        let offset = self.offset_us.fetch_add(millis * 1000, Ordering::SeqCst) + millis * 1000;
        match &self.raw {
            Raw::Sqlite(store) => store.set_clock_offset(offset).await,
            Raw::Postgres(store) => store.set_clock_offset(offset).await,
        }
        .expect("the clock moved");
    }

    /// Runs a statement past the store.
    pub(crate) async fn sql(&self, statement: &str) -> Result<u64, sqlx::Error> {
        let statement = AssertSqlSafe(statement.to_owned());
        Ok(match &self.raw {
            Raw::Sqlite(store) => sqlx::query(statement).execute(store.pool()).await?.rows_affected(),
            Raw::Postgres(store) => sqlx::query(statement).execute(store.pool()).await?.rows_affected(),
        })
    }

    /// The one number that a statement answers.
    pub(crate) async fn number(&self, statement: &str) -> i64 {
        let statement = AssertSqlSafe(statement.to_owned());
        match &self.raw {
            Raw::Sqlite(store) => sqlx::query(statement).fetch_one(store.pool()).await.expect("a row").get(0),
            Raw::Postgres(store) => sqlx::query(statement).fetch_one(store.pool()).await.expect("a row").get(0),
        }
    }

    // --- executions ------------------------------------------------------------------------------------------------

    pub(crate) async fn submit(&self, request: NewExecution) -> ExecutionId {
        self.store.submit(vec![request]).await.expect("submitted")[0].id
    }

    pub(crate) async fn execution(&self, id: ExecutionId) -> Execution {
        self.store.execution(id).await.expect("read").expect("there")
    }

    pub(crate) async fn status(&self, id: ExecutionId) -> ExecutionStatus {
        self.execution(id).await.status
    }

    pub(crate) async fn kinds(&self, id: ExecutionId) -> Vec<String> {
        let page = self.store.events(Some(id), 0, 1000).await.expect("events");
        page.events.into_iter().map(|event| event.kind).collect()
    }

    // --- workers ---------------------------------------------------------------------------------------------------

    pub(crate) async fn worker(&self, name: &str, life: u8) -> Hand {
        let registration = registration(name, life);
        let id = self.store.register_worker(&registration).await.expect("registered").id;
        Hand { id, incarnation: registration.incarnation }
    }

    pub(crate) async fn assign(&self, id: ExecutionId, hand: Hand) -> Option<Assigned> {
        let assignment =
            Assignment { execution: id, worker: hand.id, incarnation: hand.incarnation, most_live: 1_000_000 };
        self.store.assign(vec![assignment], &self.policy).await.expect("assigned").pop()
    }

    pub(crate) async fn claim(&self, id: ExecutionId, attempt: i32, hand: Hand, hold: bool) -> Option<Claimed> {
        let request = claim_request(id, attempt, hold);
        match self.store.claim(hand.incarnation, vec![request]).await.expect("claimed").pop() {
            Some(ClaimAnswer::Granted(work)) => Some(*work),
            _ => None,
        }
    }

    pub(crate) async fn complete(&self, completion: Completion) -> Answered {
        self.store.complete(vec![completion]).await.expect("completed")[0]
    }

    /// Submits and brings to `running` on a worker.
    pub(crate) async fn run(&self, request: NewExecution, hand: Hand) -> Claimed {
        let id = self.submit(request).await;
        self.run_again(id, hand).await
    }

    /// Brings what waits to `running` on a worker.
    pub(crate) async fn run_again(&self, id: ExecutionId, hand: Hand) -> Claimed {
        let assigned = self.assign(id, hand).await.expect("it waits");
        self.claim(id, assigned.attempt.0, hand, false).await.expect("it is assigned")
    }

    /// Everything in the outbox that says that an execution ended; takes it out.
    pub(crate) async fn completed_messages(&self) -> Vec<(ExecutionId, ExecutionStatus)> {
        let messages = self.store.take_outbox(10_000, 60_000).await.expect("taken");
        let ids: Vec<i64> = messages.iter().map(|message| message.id).collect();
        self.store.delete_outbox(&ids).await.expect("deleted");
        messages
            .into_iter()
            .filter_map(|message| match message.envelope.payload {
                Payload::Completed { execution, status, .. } => Some((execution, status)),
                _ => None,
            })
            .collect()
    }
}

/// A registered worker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hand {
    pub(crate) id: WorkerId,
    pub(crate) incarnation: Incarnation,
}

pub(crate) fn registration(name: &str, life: u8) -> Registration {
    Registration {
        name: name.to_owned(),
        worker_type: "local".to_owned(),
        host: "here".to_owned(),
        incarnation: Incarnation([life; 16]),
        capabilities: Capabilities {
            runtimes: vec!["shell".to_owned(), "python".to_owned()],
            runtime_versions: BTreeMap::from([("python".to_owned(), vec!["3.11.2".to_owned()])]),
            max_concurrent_executions: 10,
            ..Capabilities::default()
        },
        previous_is_dead: false,
        lease_ms: 45_000,
    }
}

pub(crate) fn claim_request(id: ExecutionId, attempt: i32, hold: bool) -> ClaimRequest {
    let hold = if hold { Hold::Everything } else { Hold::Nothing };
    let token = attune_store::fresh_token().expect("random bytes");
    ClaimRequest { execution: id, attempt: AttemptNumber(attempt), hold, lease_ms: 45_000, token, again: false }
}

pub(crate) fn spec(runtime: &str) -> ExecutionSpec {
    serde_json::from_value(json!({
        "action": "core.echo",
        "entry_point": "echo.sh",
        "requirement": {"runtime": runtime},
        "timeout_ms": 300_000
    }))
    .expect("a specification")
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

pub(crate) fn request() -> NewExecution {
    NewExecution {
        spec: spec("shell"),
        parameters: object(json!({"message": "hello"})),
        idempotency_key: None,
        requested_by: Some("ann".to_owned()),
        labels: BTreeMap::from([("team".to_owned(), "blue".to_owned())]),
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        retry_of: None,
    }
}

/// A request whose policy allows three attempts after any of these causes.
pub(crate) fn retried(on: &[RetryCause], idempotent: bool) -> NewExecution {
    let mut request = request();
    request.spec.retry =
        Some(RetryPolicy { on: on.to_vec(), max_attempts: 3, backoff: attune_types::Backoff::default() });
    request.spec.idempotent = idempotent;
    request
}

pub(crate) fn completion(work: &Claimed, outcome: Outcome) -> Completion {
    Completion {
        execution: work.execution,
        attempt: work.attempt,
        token: work.token,
        outcome,
        result: None,
        outputs: None,
        resources: None,
        evidence: None,
        logs: Vec::new(),
    }
}

pub(crate) fn success(work: &Claimed) -> Completion {
    completion(work, Outcome::Exited { code: 0 })
}

pub(crate) fn wrong_token() -> LeaseToken {
    LeaseToken([0xee; 16])
}
