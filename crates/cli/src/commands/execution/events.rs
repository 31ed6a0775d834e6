//! `attune execution events`.

use std::process::ExitCode;

use clap::Args;

use super::Which;
use crate::backend::Client;
use crate::error::CliError;
use crate::output::Printer;

/// Lists everything that happened to an execution, oldest first
#[derive(Debug, Args)]
#[command(after_help = "Example:
  attune execution events 42 -o json")]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
}

/// Lists it.
pub(crate) fn run(client: &Client, printer: Printer, arguments: Arguments) -> Result<ExitCode, CliError> {
    let events = client.events(arguments.which.id())?;
    printer.list(
        &events,
        |event| event.id.to_string(),
        &["id", "at", "attempt", "event", "detail"],
        |event| {
            vec![
                event.id.to_string(),
                event.at.to_string(),
                event.attempt.map(|attempt| attempt.to_string()).unwrap_or_default(),
                event.kind.clone(),
                event.detail.to_string(),
            ]
        },
    )?;
    Ok(ExitCode::SUCCESS)
}
