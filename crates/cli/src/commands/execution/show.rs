//! `attune execution show`.

use std::process::ExitCode;

use attune_types::told::ToldEvent;
use attune_types::{Timestamp, Told};
use clap::Args;
use serde_json::json;

use super::Which;
use crate::backend::Client;
use crate::error::CliError;
use crate::output::{Format, Printer, timeline};

/// Shows one execution as a dated timeline
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune execution show 42
  attune execution show 42 -o json | jq .execution.outcome")]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
}

/// Shows it.
pub(crate) fn run(client: &Client, printer: Printer, arguments: Arguments) -> Result<ExitCode, CliError> {
    let id = arguments.which.id();
    let execution = client.execution(id)?;
    let attempts = client.attempts(id)?;
    let events = client.events(id)?;
    match printer.format() {
        Format::Table => {
            let now = Timestamp(attune_process::clock::wall());
            printer.text(&timeline(&execution, &attempts, &events, now))?;
        }
        Format::Name => printer.line(&id.to_string())?,
        Format::Json | Format::Yaml => {
            let story = attune_types::timeline(&execution, &attempts, &events);
            let events: Vec<_> = events.iter().map(|event| ToldEvent::new(event, &attempts)).collect();
            let attempts: Vec<_> = attempts.iter().map(Told::from).collect();
            let execution = Told::from(&execution);
            printer.document(
                &json!({"execution": execution, "attempts": attempts, "events": events, "timeline": story}),
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
