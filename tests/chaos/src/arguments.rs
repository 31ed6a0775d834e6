//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::fault::Fault;
use crate::load::Load;
use crate::plan::Plan;
use crate::report::{Report, Verdict};
use crate::run::run;
use crate::settings::{Backend, Settings};
use crate::strike::schedule;

/// Runs whole deployments of Attune under faults, and checks that nothing was lost and nothing ran twice
///
/// Exit code 0 when everything held, 1 when something did not, 2 when the run is void: it did not reach what it had to.
#[derive(Debug, Parser)]
#[command(version)]
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
    /// Executions that one worker runs at once
    #[arg(long)]
    slots: Option<usize>,
    /// Keep everything that the run leaves, below this folder
    #[arg(long)]
    keep: Option<PathBuf>,
}

impl Arguments {
    pub(crate) async fn carry_out(self) -> ExitCode {
        let replay = self.replay();
        match run(self.random()).await {
            Ok(report) => conclude(&report, &replay),
            Err(error) => {
                eprintln!("error: the run could not be made: {error}");
                eprintln!("again: {replay}");
                ExitCode::from(69)
            }
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::of(self.backend);
        if let Some(slots) = self.slots {
            settings.slots = slots;
        }
        settings
    }

    fn random(&self) -> Plan {
        let mut plan = Plan::new("random", self.seed, self.settings());
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
        let slots = self.slots.map(|slots| format!(" --slots {slots}")).unwrap_or_default();
        format!(
            "cargo run -p attune-chaos -- --seed {} --executions {} --faults {} --backend {backend} --rate {}{only}{slots}",
            self.seed, self.executions, self.faults, self.rate
        )
    }
}

/// Causes of ends that the faults of a plan bring about.
pub(crate) fn excused(plan: &Plan) -> Vec<&'static str> {
    let mut causes = Vec::new();
    for strike in &plan.strikes {
        match strike.fault.name {
            "guard-kill" | "launcher-kill" => causes.extend(["worker_fault", "signaled"]),
            "host-stop" => causes.extend(["timed_out", "signaled"]),
            "worker-term" => causes.push("interrupted"),
            "no-descriptors" => causes.push("worker_fault"),
            _ => {}
        }
    }
    causes
}

/// Prints everything; the exit code says how it went.
pub(crate) fn conclude(report: &Report, replay: &str) -> ExitCode {
    report.print();
    let verdict = report.verdict();
    if verdict != Verdict::Held {
        eprintln!("again: {replay}");
    }
    #[expect(clippy::print_stdout, reason = "the summary is what this program is for")]
    {
        println!("{}", report.json());
    }
    match verdict {
        Verdict::Held => ExitCode::SUCCESS,
        Verdict::Broken => ExitCode::from(1),
        Verdict::Void => ExitCode::from(2),
    }
}
