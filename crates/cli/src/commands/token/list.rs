//! `attune token list`.

use std::process::ExitCode;

use attune_types::Timestamp;
use clap::Args;

use crate::backend::Client;
use crate::error::CliError;
use crate::output::{Printer, ago};

/// Lists tokens: everything about them but themselves
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune token list
  attune token list -o json | jq -r '.[] | select(.standing == \"valid\") | .id'")]
pub(crate) struct Arguments {}

/// Lists them.
pub(crate) fn run(client: &Client, printer: Printer, _: Arguments) -> Result<ExitCode, CliError> {
    let now = Timestamp(attune_process::clock::wall());
    printer.list(
        &client.tokens()?,
        |token| token.id.to_string(),
        &["id", "name", "kind", "owner", "standing", "made", "last used", "expires", "scopes"],
        |token| {
            let kind =
                token.worker.as_ref().map_or_else(|| token.kind.clone(), |name| format!("{} {name}", token.kind));
            vec![
                token.id.to_string(),
                token.name.clone(),
                kind,
                token.owner.clone(),
                token.standing.clone(),
                ago(now, token.created_at),
                token.last_used_at.map_or_else(|| "never".to_owned(), |at| ago(now, at)),
                token.expires_at.map_or_else(|| "never".to_owned(), |at| at.to_string()),
                token.scopes.join(" "),
            ]
        },
    )?;
    Ok(ExitCode::SUCCESS)
}
