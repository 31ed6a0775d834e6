//! `attune artifact list`.

use std::process::ExitCode;

use attune_types::ExecutionId;
use clap::Args;

use crate::backend::Client;
use crate::error::CliError;
use crate::output::Printer;

/// Lists the files that an execution left behind
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune artifact list 42
  attune artifact list 42 -o json | jq -r '.[].sha256'")]
pub(crate) struct Arguments {
    /// The execution's id
    #[arg(value_name = "ID")]
    id: i64,
}

/// Lists them.
pub(crate) fn run(client: &Client, printer: Printer, arguments: Arguments) -> Result<ExitCode, CliError> {
    let artifacts = client.artifacts(ExecutionId(arguments.id))?;
    printer.list(
        &artifacts,
        |artifact| artifact.path.clone(),
        &["name", "bytes", "attempt", "sha256", "worker"],
        |artifact| {
            vec![
                artifact.path.clone(),
                artifact.size_bytes.to_string(),
                artifact.attempt.to_string(),
                artifact.sha256.clone(),
                artifact.worker.clone(),
            ]
        },
    )?;
    Ok(ExitCode::SUCCESS)
}
