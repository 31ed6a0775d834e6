//! Runs three scripts on an embedded worker with an audit trail, and prints the trail.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use attune_pack::{Overrides, inline_spec};
use attune_queue::MemoryQueue;
use attune_store::{Assignment, NewExecution, OpenOptions, ReaperPolicy, Store};
use attune_types::{ExecutionId, InlineCode};
use attune_worker::{Mode, Settings, WorkerBuilder};
use example_custom_actor::audit_to;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // Processes are started by this program in another role.
    attune_process::serve_as_launcher_if_asked();
    // Actions find this program as `attune-agent`.
    if let Some(code) = attune_worker::helper::run_if_called() {
        return Ok(code);
    }
    let directory = std::env::args().nth(1).unwrap_or_else(|| "audit-demo".to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let trail = actix_rt::System::with_tokio_rt(move || runtime).block_on(run(Path::new(&directory)))?;
    std::io::stdout().write_all(trail.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

async fn run(directory: &Path) -> Result<String, Box<dyn Error>> {
    std::fs::create_dir_all(directory)?;
    let url = format!("sqlite:{}", directory.join("attune.db").display());
    let store = attune_store::open(&url, OpenOptions::default()).await?;
    store.migrate().await?;
    let trail = directory.join("audit.jsonl");

    let worker = WorkerBuilder::new(Mode::Worker, Settings::new("audited", directory))
        .store(Arc::clone(&store))
        .queue(Arc::new(MemoryQueue::new()))
        .actor(audit_to(trail.clone()))
        .start()
        .await?;

    let mut requests = Vec::new();
    for (name, script) in [("hello.sh", "echo hello"), ("fails.sh", "exit 3"), ("killed.sh", "kill -KILL $$")] {
        let code = InlineCode { name: name.to_owned(), content: script.to_owned() };
        requests.push(NewExecution {
            spec: inline_spec(code, "shell", &Overrides::default()),
            parameters: serde_json::Map::new(),
            idempotency_key: None,
            requested_by: None,
            labels: BTreeMap::new(),
            trace: None,
            retry_of: None,
        });
    }
    let submitted = store.submit(requests).await?;
    // A server's scheduler would do this; the worker finds what it was given with its next heartbeat.
    let assignments = submitted.iter().map(|submitted| Assignment {
        execution: submitted.id,
        worker: worker.id(),
        incarnation: worker.incarnation(),
        most_live: 10,
    });
    store.assign(assignments.collect(), &ReaperPolicy::default()).await?;
    for submitted in submitted {
        ended(&store, submitted.id).await?;
    }
    worker.drain();
    worker.stopped().await;
    Ok(std::fs::read_to_string(trail)?)
}

async fn ended(store: &Arc<dyn Store>, id: ExecutionId) -> Result<(), Box<dyn Error>> {
    while store.execution(id).await?.is_some_and(|execution| !execution.status.is_terminal()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
