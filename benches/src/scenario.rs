//! What is done to a deployment: a backlog, and one execution at a time.

use std::io;
use std::time::Instant;

use attune_end_to_end::repository;
use serde_json::{Value, json};

use crate::Options;
use crate::deployments::Running;
use crate::floor::Bare;
use crate::report::{Report, Samples};

/// One action, and the same work with nothing around it.
struct Work<'a> {
    name: &'a str,
    action: &'a str,
    parameters: Value,
    bare: Bare<'a>,
    /// Executions in a backlog.
    backlog: usize,
    /// Executions one at a time.
    singles: usize,
}

/// Every figure of one deployment.
pub(crate) fn all(options: &Options, report: &Report, deployment: &str, running: &Running) -> io::Result<()> {
    let python = repository().join("packs/examples/actions/csv_summary.py").display().to_string();
    let rows: Value = json!({"csv": "name,amount\nada,1\ngrace,2\n"});
    let input = rows.to_string();
    let noop = repository().join("packs/core/actions/noop.sh").display().to_string();
    let mut works = vec![Work {
        name: "no-op shell",
        action: "core.noop",
        parameters: json!({}),
        bare: Bare { program: "/bin/sh", arguments: vec![noop], input: "" },
        backlog: options.executions,
        singles: options.singles,
    }];
    if !options.skip_python {
        works.push(Work {
            name: "json python",
            action: "examples.csv_summary",
            parameters: rows,
            bare: Bare { program: "python3", arguments: vec![python], input: &input },
            backlog: options.executions / 10,
            singles: options.singles / 4,
        });
    }
    for work in &works {
        backlog(report, deployment, running, work)?;
        latency(report, deployment, running, work)?;
    }
    flood(report, deployment, running)
}

/// A gibibyte of lines from one execution, beside the same through `cat` into a file.
fn flood(report: &Report, deployment: &str, running: &Running) -> io::Result<()> {
    const BYTES: u64 = 1 << 30;
    let command = format!("yes 0123456789abcde | head -c {BYTES}");
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("flood");
    let line = format!("{command} | cat >'{}'", file.display());
    let bare = Bare { program: "/bin/sh", arguments: vec!["-c".into(), line], input: "" };
    let about = json!({"deployment": deployment, "bytes": BYTES});
    let rate = |milliseconds: f64| (BYTES >> 20) as f64 / milliseconds * 1000.0;
    let (mut floors, mut ratios) = (Vec::new(), Vec::new());
    report.rounds("log_path_whole", "MiB/s", &about, || {
        let floor = rate(bare.one_at_a_time(1)?.median());
        std::fs::remove_file(&file)?;
        let start = Instant::now();
        let id = running.client.submit("core.run_command", &json!({"command": command})).map_err(io::Error::other)?;
        let ended = running.client.wait(id).map_err(io::Error::other)?;
        let own = rate(start.elapsed().as_secs_f64() * 1000.0);
        if ended["status"] != "completed" {
            return Err(io::Error::other(format!("execution {id} was not completed: {ended}")));
        }
        floors.push(floor);
        ratios.push(own / floor);
        Ok(own)
    })?;
    report.figure("floor_cat_whole", "MiB/s", &Samples::new(floors), &about);
    report.figure("log_path_whole_over_cat", "ratio", &Samples::new(ratios), &about);
    for (name, bytes) in running.peak_bytes() {
        report.single(
            "flood_peak_resident",
            "bytes",
            bytes as f64,
            &json!({"deployment": deployment, "program": name}),
        );
    }
    Ok(())
}

/// Submits everything, waits for everything; beside it, in every round, what `xargs -P` reaches.
fn backlog(report: &Report, deployment: &str, running: &Running, work: &Work<'_>) -> io::Result<()> {
    let about = json!({"deployment": deployment, "work": work.name, "executions": work.backlog});
    let mut ratios = Vec::new();
    let mut floors = Vec::new();
    report.rounds("backlog", "per_second", &about, || {
        let floor = work.bare.xargs_rate(work.backlog, 2)?;
        let before = running.processor_ms();
        let start = Instant::now();
        let ids = running.client.submit_many(work.action, &work.parameters, work.backlog).map_err(io::Error::other)?;
        wait_for_all(running, &ids)?;
        let rate = work.backlog as f64 / start.elapsed().as_secs_f64();
        all_were_completed(running, &ids)?;
        for ((name, after), (_, before)) in running.processor_ms().into_iter().zip(before) {
            eprintln!("  {name}: {:.2} ms of processor per execution", (after - before) as f64 / work.backlog as f64);
        }
        floors.push(floor);
        ratios.push(rate / floor);
        Ok(rate)
    })?;
    report.figure("floor_xargs", "per_second", &Samples::new(floors), &about);
    report.figure("backlog_over_floor", "ratio", &Samples::new(ratios), &about);
    Ok(())
}

/// Waits until every execution has ended.
fn wait_for_all(running: &Running, ids: &[i64]) -> io::Result<()> {
    // The last submitted are the last to start, so waiting for them from the back costs few requests.
    for id in ids.iter().rev() {
        let ended = running.client.wait(*id).map_err(io::Error::other)?;
        if ended["status"] != "completed" {
            return Err(io::Error::other(format!("execution {id} was not completed: {ended}")));
        }
        if running.client.list("requested,scheduled,running").map_err(io::Error::other)?.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Makes sure, outside of what is timed, that every execution was completed.
fn all_were_completed(running: &Running, ids: &[i64]) -> io::Result<()> {
    let first = ids.first().copied().unwrap_or_default();
    let completed = running.client.list("completed").map_err(io::Error::other)?;
    let count = completed.iter().filter(|one| one["id"].as_i64().is_some_and(|id| id >= first)).count();
    if count < ids.len() {
        return Err(io::Error::other(format!("{count} of {} executions were completed", ids.len())));
    }
    Ok(())
}

/// From sending the request to knowing the result, one at a time, beside the bare script.
fn latency(report: &Report, deployment: &str, running: &Running, work: &Work<'_>) -> io::Result<()> {
    let about = json!({"deployment": deployment, "work": work.name, "executions": work.singles});
    let bare = work.bare.one_at_a_time(work.singles)?;
    let mut ours = Vec::with_capacity(work.singles);
    for _ in 0..work.singles {
        let start = Instant::now();
        let id = running.client.submit(work.action, &work.parameters).map_err(io::Error::other)?;
        let ended = running.client.wait(id).map_err(io::Error::other)?;
        ours.push(start.elapsed().as_secs_f64() * 1000.0);
        if ended["status"] != "completed" {
            return Err(io::Error::other(format!("execution {id} was not completed: {ended}")));
        }
    }
    let ours = Samples::new(ours);
    report.figure("bare_latency", "ms", &bare, &about);
    report.figure("latency", "ms", &ours, &about);
    for (share, name) in [(0.5, "added_latency_p50"), (0.99, "added_latency_p99")] {
        report.single(name, "ms", ours.quantile(share) - bare.quantile(share), &about);
    }
    Ok(())
}
