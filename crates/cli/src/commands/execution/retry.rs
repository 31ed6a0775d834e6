//! `attune execution retry`.

use std::process::ExitCode;

use clap::Args;

use super::Which;
use crate::backend::Client;
use crate::error::CliError;
use crate::output::{Printer, remark};

/// Runs once more what an ended execution ran, as a new execution
///
/// An execution whose outcome is unknown (abandoned) may have taken effect: it is repeated only when its action says
/// that it is idempotent, or with --may-run-twice.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune execution retry 42
  attune execution retry 42 --may-run-twice")]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Repeat it even though it may have taken effect already
    #[arg(long)]
    may_run_twice: bool,
}

/// Runs it once more; the new id is the data.
pub(crate) fn run(client: &Client, printer: Printer, arguments: Arguments) -> Result<ExitCode, CliError> {
    let old = arguments.which.id();
    let id = client.retry(old, arguments.may_run_twice)?;
    remark(&format!("execution {id} repeats execution {old}: `attune execution show {id}`"));
    printer.one(&serde_json::json!({"id": id}), |_| id.to_string(), |_| format!("{id}\n"))?;
    Ok(ExitCode::SUCCESS)
}
