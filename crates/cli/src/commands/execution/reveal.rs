//! `attune execution reveal`.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::Which;
use crate::backend::Client;
use crate::error::CliError;
use crate::output::{Printer, remark};

/// Shows the result of an execution with its secret outputs
///
/// Needs the scope `outputs:read`, and is noted in the audit trail. Everywhere else they are `***`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune execution reveal 42
  attune execution reveal 42 -o json | jq -r .result.token")]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
}

/// Shows them.
pub(crate) fn run(client: &Client, printer: Printer, arguments: Arguments) -> Result<ExitCode, CliError> {
    let id = arguments.which.id();
    let revealed: Value = client.reveal(id)?;
    remark(&format!("that execution {id} was revealed is in the audit trail"));
    let table = |revealed: &Value| format!("{:#}\n", revealed["result"]);
    printer.one(&revealed, |_| id.to_string(), table)?;
    Ok(ExitCode::SUCCESS)
}
