//! `attune worker list`.

use std::process::ExitCode;

use attune_types::{Capabilities, Timestamp};
use clap::Args;

use crate::backend::Client;
use crate::error::CliError;
use crate::output::{Printer, ago};

/// Lists workers: status, slots and what each can run
#[derive(Debug, Args)]
#[command(after_help = "Example:
  attune worker list -o name | xargs -n1 attune worker drain")]
pub(crate) struct Arguments {}

/// Lists them.
pub(crate) fn run(client: &Client, printer: Printer, _: Arguments) -> Result<ExitCode, CliError> {
    let workers = client.workers()?;
    let now = Timestamp(attune_process::clock::wall());
    printer.list(
        &workers,
        |worker| worker.name.clone(),
        &["name", "status", "slots", "runtimes", "last beat", "host"],
        |worker| {
            vec![
                worker.name.clone(),
                worker.status.to_string(),
                format!("{}/{}", worker.slots_used, worker.capabilities.max_concurrent_executions),
                runtimes(&worker.capabilities).join(", "),
                ago(now, worker.last_beat_at),
                worker.host.clone(),
            ]
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

/// `python 3.11.2`, once per runtime with the version that is used when nobody asks for another. Aliases are left out.
pub(crate) fn runtimes(capabilities: &Capabilities) -> Vec<String> {
    let mut seen = Vec::new();
    let mut shown = Vec::new();
    for interpreter in &capabilities.detected_interpreters {
        if !seen.contains(&&interpreter.runtime) {
            seen.push(&interpreter.runtime);
            shown.push(format!("{} {}", interpreter.runtime, interpreter.version).trim_end().to_owned());
        }
    }
    shown
}
