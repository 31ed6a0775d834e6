//! `attune worker resume`.

use std::process::ExitCode;

use clap::Args;

use super::Which;
use crate::backend::Client;
use crate::error::CliError;
use crate::output::{Printer, remark};

/// Lets a drained worker take work again
#[derive(Debug, Args)]
#[command(after_help = "Example:
  attune worker resume builder-1")]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
}

/// Asks for it.
pub(crate) fn run(client: &Client, printer: Printer, arguments: Arguments) -> Result<ExitCode, CliError> {
    let name = &arguments.which.name;
    client.resume_worker(name)?;
    let worker = client.worker(name)?;
    remark(&format!("worker {} is {}, {} running", worker.name, worker.status, worker.slots_used));
    printer.one(&worker, |worker| worker.name.clone(), |_| String::new())?;
    Ok(ExitCode::SUCCESS)
}
