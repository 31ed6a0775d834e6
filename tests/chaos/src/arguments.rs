//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use attune_end_to_end::repository;
use clap::{Parser, Subcommand};
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::load::Load;
use crate::matrix;
use crate::plan::Plan;
use crate::report::{Report, Verdict};
use crate::run::run;
use crate::settings::{Backend, Settings};
use crate::steady::steady;
use crate::strike::schedule;

/// Runs whole deployments of Attune under faults, and checks that nothing was lost and nothing ran twice
///
/// Exit code 0 when everything held, 1 when something did not, 2 when the run is void: it did not reach what it had to.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    /// Where all chance comes from; the same seed orders the same work and the same faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many executions are submitted
    #[arg(long, default_value_t = 200)]
    executions: usize,
    /// How many faults strike
    #[arg(long, default_value_t = 5)]
    faults: usize,
    /// What it all runs on
    #[arg(long, value_enum, default_value_t = Backend::Pg)]
    backend: Backend,
    /// Submissions per second
    #[arg(long, default_value_t = 20.0)]
    rate: f64,
    /// Draw only these faults, by name, separated by commas
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Play one row of the fault matrix by itself, e.g. F07
    #[arg(long, value_name = "ROW")]
    fault: Option<String>,
    /// No faults: submit so many short executions a second, and report latency and what is held over time
    #[arg(long, value_name = "RATE")]
    steady: Option<f64>,
    /// How long the steady load lasts
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Executions that one worker runs at once
    #[arg(long, default_value_t = 20)]
    slots: usize,
    /// Keep everything that the run leaves, below this folder
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Add the result to tests/chaos/results.json, from which docs/fault-matrix.md is made
    #[arg(long)]
    record: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write docs/fault-matrix.md from the results; with --play, play rows first
    Matrix {
        /// Rows to play, e.g. F07,F08, or `all`
        #[arg(long, value_delimiter = ',')]
        play: Vec<String>,
        /// Rows that are played at the same time
        #[arg(long, default_value_t = 1)]
        parallel: usize,
        /// Where all chance comes from
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Keep everything that the runs leave, below this folder
        #[arg(long)]
        keep: Option<PathBuf>,
        /// Write nothing; fail when the page is not what the results make
        #[arg(long)]
        check: bool,
    },
}

impl Arguments {
    pub(crate) async fn carry_out(mut self) -> ExitCode {
        match self.command.take() {
            Some(Command::Matrix { play, parallel, seed, keep, check }) => {
                return matrix_of(&play, parallel, seed, keep, check).await;
            }
            None if self.fault.is_some() => return self.one_row().await,
            None => {}
        }
        let replay = self.replay();
        if let Some(rate) = self.steady {
            return match steady(self.backend, self.seed, rate, self.minutes, self.slots).await {
                Ok(summary) => {
                    print(&summary);
                    ExitCode::SUCCESS
                }
                Err(error) => failed(&error, &replay),
            };
        }
        match run(self.random()).await {
            Ok(report) => {
                if self.record
                    && let Err(error) = record(|results| push_random(results, &report))
                {
                    return failed(&error, &replay);
                }
                conclude(&report, &replay)
            }
            Err(error) => failed(&error, &replay),
        }
    }

    async fn one_row(&self) -> ExitCode {
        let wanted = self.fault.clone().unwrap_or_default();
        let Some(row) = matrix::rows().into_iter().find(|row| row.id == wanted) else {
            return failed("there is no such row; the rows are F01 to F40", "");
        };
        let result = matrix::play(&row, self.seed, self.keep.clone()).await;
        print(&result);
        if self.record
            && let Err(error) = record(|results| results[row.id] = result.clone())
        {
            return failed(&error, "");
        }
        if matches!(result["verdict"].as_str(), Some("held" | "named")) {
            ExitCode::SUCCESS
        } else {
            eprintln!("again: cargo run -p attune-chaos -- --fault {wanted} --seed {}", self.seed);
            ExitCode::from(1)
        }
    }

    fn random(&self) -> Plan {
        let mut settings = Settings::of(self.backend);
        settings.slots = self.slots;
        let mut plan = Plan::new("random", self.seed, settings);
        plan.keep.clone_from(&self.keep);
        plan.loads.push(Load::new(self.seed, self.executions, self.rate));
        let over = Duration::from_secs_f64(self.executions as f64 / self.rate);
        let faults = match (self.only.is_empty(), self.backend) {
            (false, _) => self.only.iter().filter_map(|name| Fault::named(name)).collect(),
            // What the embedded form promises is that the whole process may be killed.
            (true, Backend::Sqlite) => Fault::named("worker-kill").into_iter().collect(),
            (true, Backend::Pg) => Fault::random(self.backend),
        };
        plan.strikes = schedule(self.seed, self.faults, over, &faults);
        plan.excused = excused(&plan);
        plan
    }

    fn replay(&self) -> String {
        let backend = if self.backend == Backend::Pg { "pg" } else { "sqlite" };
        let only = if self.only.is_empty() { String::new() } else { format!(" --only {}", self.only.join(",")) };
        format!(
            "cargo run -p attune-chaos -- --seed {} --executions {} --faults {} --backend {backend} --rate {} --slots {}{only}",
            self.seed, self.executions, self.faults, self.rate, self.slots
        )
    }
}

/// Plays rows and writes the page, or checks it.
async fn matrix_of(play: &[String], parallel: usize, seed: u64, keep: Option<PathBuf>, check: bool) -> ExitCode {
    let wanted = |id: &str| play.iter().any(|one| one == id || one == "all");
    let mut waiting: Vec<_> = matrix::rows().into_iter().filter(|row| wanted(row.id)).rev().collect();
    let mut playing = tokio::task::JoinSet::new();
    let mut held = true;
    loop {
        while playing.len() < parallel.max(1)
            && let Some(row) = waiting.pop()
        {
            let keep = keep.clone();
            playing.spawn(async move { (row.id, matrix::play(&row, seed, keep).await) });
        }
        let Some(done) = playing.join_next().await else { break };
        let Ok((id, result)) = done else { continue };
        print(&result);
        held &= matches!(result["verdict"].as_str(), Some("held" | "named"));
        if let Err(error) = record(|results| results[id] = result.clone()) {
            return failed(&error, "");
        }
    }
    let results = read_results();
    if check {
        let there = std::fs::read_to_string(repository().join("docs/fault-matrix.md")).unwrap_or_default();
        if there != matrix::page(&results) {
            return failed("docs/fault-matrix.md is stale", "cargo run -p attune-chaos -- matrix");
        }
    } else if let Err(error) = matrix::write_page(&repository(), &results) {
        return failed(&error.to_string(), "");
    }
    if held { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

fn results_file() -> PathBuf {
    repository().join("tests/chaos/results.json")
}

fn read_results() -> Value {
    let text = std::fs::read_to_string(results_file()).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_else(|_| json!({}))
}

/// Changes the results on disk.
fn record(change: impl FnOnce(&mut Value)) -> Result<(), String> {
    let mut results = read_results();
    change(&mut results);
    let text = serde_json::to_string_pretty(&results).map_err(|error| error.to_string())?;
    std::fs::write(results_file(), text + "\n").map_err(|error| format!("{}: {error}", results_file().display()))
}

/// Adds a random run, in the place of one with the same seed and size.
fn push_random(results: &mut Value, report: &Report) {
    let one = report.json();
    let mut all = results["random"].as_array().cloned().unwrap_or_default();
    let same = |other: &Value| ["backend", "seed", "executions"].iter().all(|name| other[*name] == one[*name]);
    all.retain(|other| !same(other));
    all.push(one);
    results["random"] = Value::Array(all);
}

/// Causes of ends that the faults of a plan bring about.
pub(crate) fn excused(plan: &Plan) -> Vec<&'static str> {
    let mut causes = Vec::new();
    for strike in &plan.strikes {
        match strike.fault.name {
            "guard-kill" | "launcher-kill" => causes.extend(["worker_fault", "signaled"]),
            "host-stop" => causes.extend(["timed_out", "signaled"]),
            "worker-term" | "rolling-restart" => causes.push("interrupted"),
            "no-descriptors" => causes.push("worker_fault"),
            _ => {}
        }
    }
    causes
}

fn print(value: &Value) {
    #[expect(clippy::print_stdout, reason = "the summary is what this program is for")]
    {
        println!("{value}");
    }
}

fn failed(error: &str, replay: &str) -> ExitCode {
    eprintln!("error: {error}");
    if !replay.is_empty() {
        eprintln!("again: {replay}");
    }
    ExitCode::from(69)
}

/// Prints everything; the exit code says how it went.
fn conclude(report: &Report, replay: &str) -> ExitCode {
    report.print();
    let verdict = report.verdict();
    if verdict != Verdict::Held {
        eprintln!("again: {replay}");
    }
    print(&report.json());
    match verdict {
        Verdict::Held => ExitCode::SUCCESS,
        Verdict::Broken => ExitCode::from(1),
        Verdict::Void => ExitCode::from(2),
    }
}
