//! `attune execution events`.

use std::process::ExitCode;

use attune_types::told::ToldEvent;
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
    let id = arguments.which.id();
    let attempts = client.attempts(id)?;
    let events = client.events(id)?;
    let events: Vec<ToldEvent<'_>> = events.iter().map(|event| ToldEvent::new(event, &attempts)).collect();
    printer.list(
        &events,
        |told| told.event.id.to_string(),
        &["id", "at", "attempt", "event", "what happened"],
        |ToldEvent { event, text }| {
            vec![
                event.id.to_string(),
                event.at.to_string(),
                event.attempt.map(|attempt| attempt.to_string()).unwrap_or_default(),
                event.kind.clone(),
                text.clone(),
            ]
        },
    )?;
    Ok(ExitCode::SUCCESS)
}
