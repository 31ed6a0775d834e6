//! `attune token revoke`.

use std::process::ExitCode;

use clap::Args;

use crate::backend::Client;
use crate::error::CliError;
use crate::output::remark;

/// Takes tokens back, at once and for ever
///
/// Other servers of the same database learn of it within a second.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  attune token revoke 7")]
pub(crate) struct Arguments {
    /// Their numbers, as `attune token list` shows them
    #[arg(value_name = "ID", required = true)]
    ids: Vec<i64>,
}

/// Takes them back.
pub(crate) fn run(client: &Client, arguments: Arguments) -> Result<ExitCode, CliError> {
    for id in arguments.ids {
        client.revoke_token(id)?;
        remark(&format!("token {id} opens nothing any more"));
    }
    Ok(ExitCode::SUCCESS)
}
