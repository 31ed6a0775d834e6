//! `attune audit list`.

use std::process::ExitCode;

use clap::Args;

use crate::backend::Client;
use crate::error::CliError;
use crate::output::Printer;

/// Lists what was done and what was refused, oldest first
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune audit list
  attune audit list --after 1200 --limit 1000 -o json")]
pub(crate) struct Arguments {
    /// Begin behind this line
    #[arg(long, value_name = "ID", default_value_t = 0)]
    after: i64,
    /// At most so many lines
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// Lists it.
pub(crate) fn run(client: &Client, printer: Printer, arguments: Arguments) -> Result<ExitCode, CliError> {
    printer.list(
        &client.audit(arguments.after, arguments.limit)?,
        |line| line.id.to_string(),
        &["id", "at", "who", "did", "what", "more"],
        |line| {
            vec![
                line.id.to_string(),
                line.at.to_string(),
                line.actor.clone(),
                line.action.clone(),
                line.target.clone(),
                line.detail.clone(),
            ]
        },
    )?;
    Ok(ExitCode::SUCCESS)
}
