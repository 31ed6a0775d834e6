//! A control plane with a store and a queue of its own, and a worker that does what the test says.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use attune_control::{Control, ControlBuilder, ControlHandle, Ticks, Vault};
use attune_pack::{Library, Shelf};
use attune_queue::{ConsumeOptions, ConsumerLink, LinkEvent, MemoryQueue, Queue};
use attune_secret::Keyring;
use attune_store::{
    Answered, ClaimAnswer, ClaimRequest, Claimed, Completion, OpenOptions, Registered, Registration, Store,
};
use attune_types::{
    AttemptNumber, Capabilities, Evidence, ExecutionId, Incarnation, LogChunk, LogStream, Outcome, Payload, Resources,
    Timestamp,
};
use serde_json::{Value, json};

use crate::client::Client;

/// Runs a test as a program runs: an actix system on a runtime of several threads.
pub(crate) fn on_system<Output>(test: impl Future<Output = Output>) -> Output {
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    actix_rt::System::with_tokio_rt(runtime).block_on(test)
}

/// What a test needs; everything goes away with it.
pub(crate) struct Fixture {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) queue: Arc<MemoryQueue>,
    pub(crate) control: ControlHandle,
    pub(crate) client: Client,
    pub(crate) folder: tempfile::TempDir,
}

fn write_pack(folder: &std::path::Path, name: &str, actions: &[(&str, &str)]) {
    let pack = folder.join(name);
    std::fs::create_dir_all(pack.join("actions")).expect("a folder");
    std::fs::write(pack.join("pack.yaml"), format!("ref: {name}\nversion: 1.2.3\n")).expect("a file");
    for (action, more) in actions {
        let yaml =
            format!("ref: {name}.{action}\nrunner_type: shell\nentry_point: {action}.sh\ntimeout_seconds: 5\n{more}");
        std::fs::write(pack.join(format!("actions/{action}.yaml")), yaml).expect("a file");
        std::fs::write(pack.join(format!("actions/{action}.sh")), "true\n").expect("a file");
    }
}

const GREET: &str = "parameters:\n  name: {type: string, required: true}\n  count: {type: integer, minimum: 1, default: 1}\n  password: {type: string, secret: true}\n";

impl Fixture {
    pub(crate) async fn start() -> Self {
        Self::start_with(|control| control).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(ControlBuilder) -> ControlBuilder) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        write_pack(
            &folder.path().join("packs"),
            "demo",
            &[("greet", GREET), ("plain", ""), ("off", "enabled: false\n")],
        );
        write_pack(&folder.path().join("more"), "extra", &[("plain", "")]);
        let url = format!("sqlite:{}", folder.path().join("attune.db").display());
        let store = attune_store::open(&url, OpenOptions::default()).await.expect("a store");
        store.migrate().await.expect("a schema");
        let queue = Arc::new(MemoryQueue::new());
        let library = Library::scan(&[folder.path().join("packs")]);
        assert_eq!(library.broken(), &[]);
        let vault = Arc::new(Vault::new(Keyring::ephemeral().expect("random bytes")));
        let builder = Control::builder(Arc::clone(&store), queue.clone(), Shelf::fixed(library))
            .vault(Some(vault))
            .fault_injection(true);
        let control = change(builder).start().await.expect("a control plane");
        let client = Client::new(control.address());
        Self { store, queue, control, client, folder }
    }

    /// Stops everything and checks that everybody went in peace.
    pub(crate) async fn stop(self) {
        let report = self.control.stop().await;
        assert!(report.is_clean(), "{report:?}");
        self.queue.close().await;
        self.store.close().await;
    }

    pub(crate) async fn submit(&self, body: Value) -> ExecutionId {
        let answer = self.client.post("/api/v1/executions", &body).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        ExecutionId(answer.json()["id"].as_i64().expect("an id"))
    }

    pub(crate) async fn submit_plain(&self) -> ExecutionId {
        self.submit(json!({"action": "demo.plain"})).await
    }

    /// Registers a worker for `runtimes`, each with its versions behind it: `python 3.11.2 3.12.4`.
    pub(crate) async fn worker(&self, name: &str, runtimes: &[&str], slots: u32) -> Worker {
        Worker::register(Arc::clone(&self.store), self.queue.clone(), name, runtimes, slots).await
    }
}

/// A worker that does what the test says.
pub(crate) struct Worker {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) registered: Registered,
    pub(crate) incarnation: Incarnation,
    link: Arc<dyn ConsumerLink>,
}

impl Worker {
    pub(crate) async fn register(
        store: Arc<dyn Store>,
        queue: Arc<dyn Queue>,
        name: &str,
        runtimes: &[&str],
        slots: u32,
    ) -> Self {
        let mut random = [0; 16];
        getrandom::fill(&mut random).expect("random bytes");
        let incarnation = Incarnation(random);
        let versions = |runtime: &&str| {
            let (name, versions) = runtime.split_once(' ')?;
            Some((name.to_owned(), versions.split(' ').map(str::to_owned).collect()))
        };
        let registration = Registration {
            name: name.to_owned(),
            worker_type: "local".to_owned(),
            host: "here".to_owned(),
            incarnation,
            capabilities: Capabilities {
                runtimes: runtimes.iter().filter_map(|one| one.split(' ').next()).map(str::to_owned).collect(),
                runtime_versions: runtimes.iter().filter_map(versions).collect(),
                max_concurrent_executions: slots,
                labels: BTreeMap::new(),
                ..Capabilities::default()
            },
            previous_is_dead: false,
            lease_ms: 45_000,
        };
        let registered = store.register_worker(&registration).await.expect("registered");
        let options = ConsumeOptions { worker: registered.id, worker_name: name.to_owned(), prefetch: 100 };
        let link = queue.consume(options).await.expect("a link");
        Self { store, registered, incarnation, link }
    }

    /// Waits for the next order to run something.
    pub(crate) async fn next_order(&self) -> (ExecutionId, AttemptNumber) {
        loop {
            let event = tokio::time::timeout(std::time::Duration::from_secs(30), self.link.next()).await;
            if let LinkEvent::Delivery(delivery) = event.expect("an order in time") {
                let _settled = self.link.acknowledge(delivery.tag).await;
                if let Payload::Scheduled { execution, attempt, incarnation, .. } = delivery.envelope.payload {
                    assert_eq!(incarnation, self.incarnation);
                    return (execution, attempt);
                }
            }
        }
    }

    pub(crate) async fn claim(&self, execution: ExecutionId, attempt: AttemptNumber) -> Option<Claimed> {
        let (hold, token) = (attune_store::Hold::Nothing, attune_store::fresh_token().expect("random bytes"));
        let request = ClaimRequest { execution, attempt, hold, lease_ms: 45_000, token, again: false };
        match self.store.claim(self.incarnation, vec![request]).await.expect("an answer").remove(0) {
            ClaimAnswer::Granted(claimed) => Some(*claimed),
            ClaimAnswer::Refused => None,
        }
    }

    pub(crate) async fn print(&self, claimed: &Claimed, sequence: i64, offset: u64, bytes: &[u8]) {
        let chunk = LogChunk {
            execution: claimed.execution,
            attempt: claimed.attempt,
            sequence,
            stream: LogStream::Stdout,
            offset,
            at: Timestamp(1_000_000),
            bytes: bytes.to_vec(),
        };
        self.store.append_logs(vec![chunk]).await.expect("stored");
    }

    pub(crate) async fn finish(&self, claimed: Claimed, outcome: Outcome) -> Answered {
        let completion = Completion {
            execution: claimed.execution,
            attempt: claimed.attempt,
            token: claimed.token,
            outcome,
            result: Some(json!({"ok": true})),
            outputs: None,
            resources: Some(Resources { wall_ms: 1, ..Resources::default() }),
            evidence: Some(Evidence { pid: Some(77), environment_ms: Some(0), ..Evidence::default() }),
            logs: Vec::new(),
        };
        self.store.complete(vec![completion]).await.expect("an answer").remove(0)
    }

    /// Takes the next order and ends it with exit 0.
    pub(crate) async fn work_one(&self) -> ExecutionId {
        let (execution, attempt) = self.next_order().await;
        if let Some(claimed) = self.claim(execution, attempt).await {
            assert_eq!(self.finish(claimed, Outcome::Exited { code: 0 }).await, Answered::Accepted);
        }
        execution
    }
}

/// Ticks so short that a test need not wait for them.
pub(crate) fn quick() -> Ticks {
    let short = std::time::Duration::from_millis(50);
    Ticks { scheduler: short, relay: short, reaper: short }
}
