//! A worker with everything around it, and somebody who schedules.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::System;
use attune_pack::{Overrides, inline_spec};
use attune_process::{Launcher, LauncherProgram};
use attune_queue::{MemoryQueue, Queue};
use attune_store::{Assignment, NewExecution, OpenOptions, ReaperPolicy, Store};
use attune_testkit::processes::Tag;
use attune_testkit::{TestDirectory, eventually};
use attune_types::{Envelope, Execution, ExecutionId, ExecutionSpec, ExecutionStatus, InlineCode, LogStream, Outcome};
use attune_worker::{Mode, Settings, StopReason, WorkerBuilder, WorkerHandle};
use serde_json::{Map, Value};

/// How long a condition may take before the test is called broken.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Runs a test as the programs run: actors on this thread, everything else on two others.
pub(crate) fn in_system<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    System::with_tokio_rt(move || runtime).block_on(test)
}

/// A launcher of its own: workers cannot share one, and the program of a test cannot be one.
pub(crate) fn launcher() -> Launcher {
    Launcher::start(LauncherProgram::At(env!("CARGO_BIN_EXE_attune-agent").into())).expect("a launcher")
}

/// What `sha256sum` prints for a text. A secret is masked in what a script prints, but not in a digest of it, which proves
/// that it arrived to the byte.
pub(crate) fn digest_of(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A store, a queue, a place for files, and a mark by which the processes of this test are known.
pub(crate) struct Fixture {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) memory: Option<MemoryQueue>,
    pub(crate) directory: TestDirectory,
    pub(crate) tag: Tag,
}

impl Fixture {
    /// SQLite and the in-process queue.
    pub(crate) async fn embedded() -> Self {
        let directory = TestDirectory::create();
        let url = format!("sqlite:{}", directory.path().join("attune.db").display());
        let memory = MemoryQueue::new();
        let mut fixture = Self::on(&url, Arc::new(memory.clone()), directory).await;
        fixture.memory = Some(memory);
        fixture
    }

    /// Any store and queue.
    pub(crate) async fn on(url: &str, queue: Arc<dyn Queue>, directory: TestDirectory) -> Self {
        let store = attune_store::open(url, OpenOptions::default()).await.expect("the store opens");
        store.migrate().await.expect("the schema is made");
        Self { store, queue, memory: None, directory, tag: Tag::new() }
    }

    /// Settings that make everything quick. The name is this test's own: an earlier life is known by it.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::new(format!("worker-{}", self.tag.value()), self.directory.path());
        let (name, value) = self.tag.variable();
        settings.child_environment.set(name, value.into());
        settings.heartbeat = Duration::from_millis(100);
        settings.patience = Duration::ZERO;
        settings.grace = Duration::from_millis(500);
        settings.drain = Duration::from_millis(500);
        settings.runtimes = Some(vec!["shell".into(), "native".into()]);
        settings
    }

    pub(crate) fn builder(&self, settings: Settings) -> WorkerBuilder {
        WorkerBuilder::new(Mode::Worker, settings)
            .launcher(launcher())
            .store(Arc::clone(&self.store))
            .queue(Arc::clone(&self.queue))
    }

    pub(crate) async fn worker(&self) -> WorkerHandle {
        self.builder(self.settings()).start().await.expect("the worker starts")
    }

    /// Accepts an execution that nobody has scheduled yet.
    pub(crate) async fn submit(&self, spec: ExecutionSpec, parameters: Map<String, Value>) -> ExecutionId {
        let request = NewExecution {
            spec,
            parameters,
            idempotency_key: None,
            requested_by: None,
            labels: BTreeMap::new(),
            trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            retry_of: None,
        };
        self.store.submit(vec![request]).await.expect("accepted")[0].id
    }

    /// Gives executions to a worker; the messages that say so.
    pub(crate) async fn assign(&self, worker: &WorkerHandle, executions: &[ExecutionId]) -> Vec<Envelope> {
        let assignments = executions.iter().map(|execution| Assignment {
            execution: *execution,
            worker: worker.id(),
            incarnation: worker.incarnation(),
            most_live: 10_000,
        });
        let assigned = self.store.assign(assignments.collect(), &ReaperPolicy::default()).await.expect("assigned");
        assert_eq!(assigned.len(), executions.len(), "every execution was assigned");
        let ids: Vec<i64> = assigned.iter().map(|assigned| assigned.message.id).collect();
        self.store.delete_outbox(&ids).await.expect("deleted");
        assigned.into_iter().map(|assigned| assigned.message.envelope).collect()
    }

    /// Gives executions to a worker and tells it.
    pub(crate) async fn dispatch(&self, worker: &WorkerHandle, executions: &[ExecutionId]) {
        let messages = self.assign(worker, executions).await;
        let _published = self.queue.publish(&messages).await;
    }

    /// Runs a shell script on a worker.
    pub(crate) async fn run(&self, worker: &WorkerHandle, script: &str) -> ExecutionId {
        self.run_spec(worker, shell(script), Map::new()).await
    }

    pub(crate) async fn run_spec(
        &self,
        worker: &WorkerHandle,
        spec: ExecutionSpec,
        parameters: Map<String, Value>,
    ) -> ExecutionId {
        let execution = self.submit(spec, parameters).await;
        self.dispatch(worker, &[execution]).await;
        execution
    }

    pub(crate) async fn execution(&self, id: ExecutionId) -> Execution {
        self.store.execution(id).await.expect("the store answers").expect("it exists")
    }

    /// Waits until an execution is terminal.
    pub(crate) async fn ended(&self, id: ExecutionId) -> Execution {
        eventually(&format!("the end of execution {id}"), LONG, || async {
            Some(self.execution(id).await).filter(|execution| execution.status.is_terminal())
        })
        .await
    }

    /// Waits until an execution has started, which is when its script has said so.
    pub(crate) async fn running(&self, id: ExecutionId) {
        eventually(&format!("the first output of execution {id}"), LONG, || async {
            (!self.output(id, LogStream::Stdout).await.is_empty()).then_some(())
        })
        .await;
    }

    /// What the store has of a stream, with the order and the positions of its pieces checked.
    pub(crate) async fn output(&self, id: ExecutionId, stream: LogStream) -> String {
        let pieces = self.store.logs(id, 0, 100_000).await.expect("the store answers");
        let mut text = Vec::new();
        for (index, (_, piece)) in pieces.iter().enumerate() {
            assert_eq!(piece.sequence, i64::try_from(index).expect("fits"), "sequence numbers have no gap");
            if piece.stream == stream {
                text.extend_from_slice(&piece.bytes);
            }
        }
        String::from_utf8(text).expect("text")
    }

    /// Insists that every execution ended once, with one attempt and one event that says so.
    pub(crate) async fn assert_ended_once(&self, executions: &[ExecutionId], status: ExecutionStatus) {
        for id in executions {
            let execution = self.ended(*id).await;
            assert_eq!(execution.status, status, "{id}: {:?}", execution.outcome);
            let attempts = self.store.attempts(*id).await.expect("the store answers");
            assert_eq!(attempts.len(), 1, "{id}: {attempts:?}");
        }
    }

    /// Stops a worker and insists that nothing of it is left.
    pub(crate) async fn stop(&self, worker: &WorkerHandle) {
        worker.drain();
        assert_eq!(worker.stopped().await, StopReason::Drained);
        assert_eq!(worker.status().await.attempts, BTreeMap::new());
    }
}

/// A shell script as it travels with its request.
pub(crate) fn shell(script: &str) -> ExecutionSpec {
    let code = InlineCode { name: "script.sh".to_owned(), content: script.to_owned() };
    let mut spec = inline_spec(code, "shell", &Overrides::default());
    spec.timeout_ms = 60_000;
    spec
}

/// A script that says that it runs, and then runs until `gate` exists.
pub(crate) fn gated(gate: &Path) -> String {
    format!("echo up; while [ ! -e '{}' ]; do sleep 0.02; done", gate.display())
}

pub(crate) fn parameters(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

pub(crate) fn exited(code: i32) -> Option<Outcome> {
    Some(Outcome::Exited { code })
}

/// Insists that nothing is left of any attempt: all that may lie there is what waits, empty, for the next one.
pub(crate) fn assert_nothing_but_spare_directories(work: &std::path::Path) {
    let names = |folder: &std::path::Path| -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("readable");
        entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect()
    };
    for name in names(work) {
        assert!(name.starts_with("own-"), "{name} is left");
        let inside = names(&work.join(&name));
        assert!(inside.iter().all(|inner| inner == ".tmp"), "{name} holds {inside:?}");
        assert!(inside.is_empty() || names(&work.join(&name).join(".tmp")).is_empty(), "{name}/.tmp holds something");
    }
}
