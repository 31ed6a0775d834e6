//! `make bench`: how fast, as ratios against a floor that was measured in the same run.
//!
//! Every figure is one JSON line on stdout: `{"figure", "value", "unit", "min", "max", "rounds", ...}` with the median
//! of several rounds as the value. Talk goes to stderr. Nothing here is a test, and nothing in the tests is timed.
#![expect(clippy::print_stdout, reason = "the figures are this program's output")]

mod deployments;
mod floor;
mod guard;
mod report;
mod scenario;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use report::Report;

/// Measures Attune beside the bare cost of starting the same processes.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Options {
    /// Executions per backlog.
    #[arg(long, default_value_t = 2000)]
    executions: usize,
    /// Executions one at a time, for latency.
    #[arg(long, default_value_t = 200)]
    singles: usize,
    /// Rounds per figure; the median is reported.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Slots of the worker. Twice the default of a worker: with ten, a worker on two processors waits for commits a sixth
    /// of the time.
    #[arg(long, default_value_t = 20)]
    slots: u32,
    /// Folder with the programs to measure.
    #[arg(long, default_value = "target/dist")]
    programs: PathBuf,
    /// PostgreSQL to use, with fsync on; absent: only the embedded figures.
    #[arg(long, env = "ATTUNE_TEST_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// RabbitMQ to use.
    #[arg(long, env = "ATTUNE_TEST_AMQP_URL", hide_env_values = true)]
    amqp_url: Option<String>,
    /// Leave the embedded figures out.
    #[arg(long)]
    skip_embedded: bool,
    /// Leave the python figures out.
    #[arg(long)]
    skip_python: bool,
    /// Leave the figures of the guard out.
    #[arg(long)]
    skip_guard: bool,
    /// Measure the guard alone.
    #[arg(long, conflicts_with = "skip_guard")]
    only_guard: bool,
}

fn main() -> ExitCode {
    attune_process::serve_as_launcher_if_asked();
    let options = Options::parse();
    let report = Report::start(&options);
    match run(&options, &report) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options, report: &Report) -> std::io::Result<()> {
    if !options.skip_guard {
        guard::all(options, report)?;
    }
    if options.only_guard {
        return Ok(());
    }
    report.binary_sizes(&options.programs);
    floor::tokio_spawn(options, report)?;
    if !options.skip_embedded {
        let embedded = deployments::embedded(options, report)?;
        scenario::all(options, report, "embedded", &embedded)?;
    }
    if let (Some(database), Some(broker)) = (&options.database_url, &options.amqp_url) {
        let distributed = deployments::distributed(options, report, database, broker)?;
        scenario::all(options, report, "postgres+rabbitmq", &distributed)?;
    }
    Ok(())
}
