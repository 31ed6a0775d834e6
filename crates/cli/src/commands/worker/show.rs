//! `attune worker show`.

use std::fmt::Write as _;
use std::process::ExitCode;

use attune_types::{Timestamp, Worker};
use clap::Args;

use super::Which;
use crate::backend::Client;
use crate::error::CliError;
use crate::output::{Printer, Table, ago};

/// Shows one worker with its interpreters
#[derive(Debug, Args)]
#[command(after_help = "Example:
  attune worker show builder-1")]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
}

/// Shows it.
pub(crate) fn run(client: &Client, printer: Printer, arguments: Arguments) -> Result<ExitCode, CliError> {
    let worker = client.worker(&arguments.which.name)?;
    printer.one(&worker, |worker| worker.name.clone(), people)?;
    Ok(ExitCode::SUCCESS)
}

fn people(worker: &Worker) -> String {
    let now = Timestamp(attune_process::clock::wall());
    let capabilities = &worker.capabilities;
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<12} {value}");
    };
    line("worker", format!("{} (id {})", worker.name, worker.id));
    line("status", worker.status.to_string());
    line("slots", format!("{} of {} used", worker.slots_used, capabilities.max_concurrent_executions));
    line("last beat", ago(now, worker.last_beat_at));
    line("registered", worker.registered_at.to_string());
    line("host", format!("{} ({})", worker.host, worker.worker_type));
    line("version", capabilities.container_version.clone());
    line("sandbox", format!("level {}", capabilities.sandbox_level));
    let labels: Vec<String> = capabilities.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    line("labels", if labels.is_empty() { "none".to_owned() } else { labels.join(", ") });
    let mut table = Table::new(&["runtime", "version", "interpreter"]);
    for interpreter in &capabilities.detected_interpreters {
        table.row([interpreter.runtime.clone(), interpreter.version.clone(), interpreter.path.clone()]);
    }
    if !table.is_empty() {
        text.push('\n');
        text.push_str(&table.render());
    }
    text
}
