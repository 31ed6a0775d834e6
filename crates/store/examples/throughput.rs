//! How many whole executions per second a store carries: submit, assign, claim, complete, outbox.
//!
//! `cargo run -p attune-store --example throughput -- sqlite:/tmp/probe.db 5000 50`
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use std::error::Error;
use std::time::{Duration, Instant};

use attune_store::{
    Assignment, ClaimAnswer, ClaimRequest, Completion, NewExecution, OpenOptions, ReaperPolicy, Registration, Store,
};
use attune_types::{
    Capabilities, Evidence, ExecutionSpec, Incarnation, LeaseToken, LogChunk, LogStream, Outcome, Timestamp, WorkerId,
};
use serde_json::json;

struct Step {
    name: &'static str,
    spent: Duration,
}

fn request() -> Result<NewExecution, Box<dyn Error>> {
    let spec: ExecutionSpec = serde_json::from_value(json!({
        "action": "core.echo", "pack_version": "1.0.0", "entry_point": "echo.sh",
        "requirement": {"runtime": "shell"}, "timeout_ms": 300_000
    }))?;
    let parameters = json!({"message": "hello"}).as_object().cloned().unwrap_or_default();
    Ok(NewExecution {
        spec,
        parameters,
        idempotency_key: None,
        requested_by: Some("probe".into()),
        labels: Default::default(),
        trace: None,
        retry_of: None,
    })
}

async fn batch(
    store: &dyn Store,
    worker: WorkerId,
    incarnation: Incarnation,
    size: usize,
    steps: &mut [Step; 5],
) -> Result<(), Box<dyn Error>> {
    let policy = ReaperPolicy::default();
    let requests = (0..size).map(|_| request()).collect::<Result<Vec<_>, _>>()?;
    let mut last = Instant::now();
    let mut lap = |step: &mut Step| {
        let now = Instant::now();
        step.spent += now - last;
        last = now;
    };
    let submitted = store.submit(requests).await?;
    lap(&mut steps[0]);
    let assignments = submitted
        .iter()
        .map(|submitted| Assignment { execution: submitted.id, worker, incarnation, most_live: 1_000_000 })
        .collect();
    let assigned = store.assign(assignments, &policy).await?;
    lap(&mut steps[1]);
    let claims = assigned
        .iter()
        .map(|one| ClaimRequest {
            execution: one.execution,
            attempt: one.attempt,
            hold: attune_store::Hold::Nothing,
            lease_ms: 45_000,
            token: LeaseToken(u128::to_le_bytes(one.execution.0.unsigned_abs().into())),
            again: false,
        })
        .collect();
    let claimed = store.claim(incarnation, claims).await?;
    lap(&mut steps[2]);
    let completions = claimed
        .into_iter()
        .filter_map(|answer| match answer {
            ClaimAnswer::Granted(work) => Some(Completion {
                execution: work.execution,
                attempt: work.attempt,
                token: work.token,
                outcome: Outcome::Exited { code: 0 },
                result: Some(json!({"done": true})),
                outputs: None,
                resources: None,
                evidence: Some(Evidence { pid: Some(1), start_ms: Some(1), ..Evidence::default() }),
                logs: vec![LogChunk {
                    execution: work.execution,
                    attempt: work.attempt,
                    sequence: 0,
                    stream: LogStream::Stdout,
                    offset: 0,
                    at: Timestamp(0),
                    bytes: b"hello\n".to_vec(),
                }],
            }),
            ClaimAnswer::Refused => None,
        })
        .collect();
    let _answers = store.complete(completions).await?;
    lap(&mut steps[3]);
    let mut confirmed: Vec<i64> = assigned.iter().map(|one| one.message.id).collect();
    confirmed.extend(store.take_outbox(1_000, 5_000).await?.iter().map(|message| message.id));
    store.delete_outbox(&confirmed).await?;
    lap(&mut steps[4]);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: throughput URL [EXECUTIONS] [BATCH]")?;
    let total: usize = arguments.next().map_or(Ok(5_000), |text| text.parse())?;
    let size: usize = arguments.next().map_or(Ok(50), |text| text.parse())?;
    let store = attune_store::open(&url, OpenOptions::default()).await?;
    store.migrate().await?;
    let incarnation = Incarnation([7; 16]);
    let worker = store
        .register_worker(&Registration {
            name: "probe".into(),
            worker_type: "local".into(),
            host: "here".into(),
            incarnation,
            capabilities: Capabilities { runtimes: vec!["shell".into()], ..Capabilities::default() },
            previous_is_dead: true,
            lease_ms: 45_000,
        })
        .await?
        .id;
    let mut steps =
        ["submit", "assign", "claim", "complete", "outbox"].map(|name| Step { name, spent: Duration::ZERO });
    let started = Instant::now();
    let mut done = 0;
    while done < total {
        batch(&*store, worker, incarnation, size, &mut steps).await?;
        done += size;
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{}: {done} executions in batches of {size}: {:.0}/s", store.kind(), done as f64 / seconds);
    for step in steps {
        let micros = step.spent.as_secs_f64() * 1e6;
        println!(
            "  {:9}{:8.1} us each, {:8.0} us a batch",
            step.name,
            micros / done as f64,
            micros * size as f64 / done as f64
        );
    }
    store.close().await;
    Ok(())
}
