//! A steady load without faults: how late work begins, and whether anything grows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use attune_process::clock;
use serde_json::{Value, json};

use crate::census::{self, Holding};
use crate::cost::Cost;
use crate::history::{History, percentile};
use crate::load::{Load, Running};
use crate::settings::{Backend, Settings};
use crate::stage::Stage;

/// What everything held at one moment.
#[derive(Debug, Clone, Default)]
struct Sample {
    at_s: f64,
    at_us: i64,
    by_program: BTreeMap<String, Holding>,
    connections: i64,
}

/// Submits `rate` short executions a second for so many minutes, and reports every minute.
///
/// # Errors
/// When it could not be made.
pub(crate) async fn steady(
    backend: Backend,
    seed: u64,
    rate: f64,
    minutes: f64,
    slots: usize,
) -> Result<Value, String> {
    let mut settings = Settings::of(backend);
    settings.slots = slots;
    // As in production.
    settings.log = "info".to_owned();
    let stage = std::sync::Arc::new(Stage::start(settings, None).await?);
    let running = Running::default();
    let apis: Vec<_> = (0..stage.servers.len()).map(|server| stage.api(server)).collect();
    let short = Some(json!({"seconds": 0.0}));
    let load = |count: f64, first| Load {
        first,
        parameters: short.clone(),
        ..Load::new(seed, count as usize, rate).only("quick")
    };
    // The first half minute warms everything up and is not judged.
    running.submit(load(rate * 30.0, 1_000_000), apis.clone()).await;
    wait_for_quiet(&stage).await;
    let idle = Cost::of_rest(&stage).await;
    let before = Cost::so_far(&stage).await;
    let (begun, begun_us) = (Instant::now(), clock::wall());
    let submitting = {
        let (running, load) = (running.clone(), load(rate * minutes * 60.0, 0));
        tokio::spawn(async move { running.submit(load, apis).await })
    };
    let mut samples: Vec<Sample> = Vec::new();
    while !submitting.is_finished() {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let sample = sample(&stage, begun).await;
        let accepted = running.with(|account| account.accepted.len());
        let total: u64 = sample.by_program.values().map(|holding| holding.resident_kib).sum();
        eprintln!("{:>5.0} s  accepted {accepted}, {total} KiB, {} connections", sample.at_s, sample.connections);
        samples.push(sample);
    }
    let took = begun.elapsed().as_secs_f64();
    wait_for_quiet(&stage).await;
    let (cost, spent_s) = (Cost::so_far(&stage).await.since(&before), begun.elapsed().as_secs_f64());
    let history = History::read(&stage.query).await?;
    let counted = history.executions.values().filter(|known| known.requested_at >= begun_us).count();
    let completed =
        history.executions.values().filter(|known| known.requested_at >= begun_us && known.status == "completed");
    let completed = completed.count();
    let mut by_minute = Vec::new();
    for minute in 0..minutes.ceil() as i64 {
        let from = begun_us + minute * 60_000_000;
        let times = history.dispatch_ms(from, from + 60_000_000);
        by_minute.push(json!({
            "minute": minute + 1, "executions": times.len(), "dispatch_p50_ms": percentile(&times, 50.0),
            "dispatch_p99_ms": percentile(&times, 99.0),
        }));
    }
    let all = history.dispatch_ms(begun_us, i64::MAX);
    let flat = flat(&samples);
    let refused = running.with(|account| account.refused);
    stage.end().await;
    Ok(json!({
        "run": "steady", "rate": rate, "minutes": minutes, "took_s": took, "submitted": counted, "completed": completed,
        "refused": refused, "executions_per_s": completed as f64 / took, "dispatch_p50_ms": percentile(&all, 50.0),
        "dispatch_p99_ms": percentile(&all, 99.0), "by_minute": by_minute,
        "per_execution": cost.without(&idle, spent_s).each(counted), "idle_per_s": idle.each(1), "holdings": flat,
    }))
}

/// Waits until nothing is under way, for a while.
async fn wait_for_quiet(stage: &Stage) {
    let begun = Instant::now();
    let under_way = "SELECT (SELECT count(*) FROM execution_attempt WHERE live) + (SELECT count(*) FROM outbox) + \
                     (SELECT count(*) FROM execution WHERE status IN ('requested', 'retrying'))";
    while stage.query.number(under_way).await != Ok(0) && begun.elapsed() < Duration::from_secs(30) {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

async fn sample(stage: &Stage, begun: Instant) -> Sample {
    let hosts = stage.hosts().filter_map(|host| Some((host.name.clone(), census::holding(host.keeper.pid()?))));
    let statement =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    Sample {
        at_s: begun.elapsed().as_secs_f64(),
        at_us: clock::wall(),
        by_program: hosts.collect(),
        connections: stage.query.number(statement).await.unwrap_or(-1),
    }
}

/// Each holding at the end of the first fifth of the run and at its end.
fn flat(samples: &[Sample]) -> Value {
    let (Some(early), Some(late)) = (samples.get(samples.len() / 5), samples.last()) else { return Value::Null };
    let mut programs = serde_json::Map::new();
    for (name, after) in &late.by_program {
        let before = early.by_program.get(name).copied().unwrap_or_default();
        programs.insert(
            name.clone(),
            json!({
                "resident_kib": [before.resident_kib, after.resident_kib],
                "descriptors": [before.descriptors, after.descriptors], "threads": [before.threads, after.threads],
            }),
        );
    }
    let between = (late.at_us - early.at_us) as f64 / 1e6;
    json!({"programs": programs, "database_connections": [early.connections, late.connections], "between_s": between})
}
