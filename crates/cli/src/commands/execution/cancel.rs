//! `attune execution cancel`.

use std::process::ExitCode;

use clap::Args;

use super::Which;
use crate::backend::Client;
use crate::error::CliError;
use crate::output::{Printer, remark};

/// Asks for the end of an execution: its process tree gets SIGTERM, a grace, then SIGKILL
#[derive(Debug, Args)]
#[command(after_help = "Example:
  attune execution cancel 42 && attune execution show 42")]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
}

/// Asks for it.
pub(crate) fn run(client: &Client, printer: Printer, arguments: Arguments) -> Result<ExitCode, CliError> {
    let id = arguments.which.id();
    client.cancel(id)?;
    let execution = client.execution(id)?;
    remark(&format!("execution {id} is {}", execution.status));
    printer.one(&execution, |execution| execution.id.to_string(), |_| String::new())?;
    Ok(ExitCode::SUCCESS)
}
