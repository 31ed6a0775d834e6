//! `attune key list`.

use std::process::ExitCode;

use attune_types::Timestamp;
use clap::Args;

use super::{Directory, Place};
use crate::arguments::Global;
use crate::error::CliError;
use crate::output::ago;

/// Lists secrets by owner and name; values are never shown
#[derive(Debug, Args)]
#[command(after_help = "Example:
  attune key list -o json | jq -r '.[] | select(.key_id < 2).name'")]
pub(crate) struct Arguments {
    #[command(flatten)]
    directory: Directory,
}

/// Lists them.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let secrets = Place::with(global, &arguments.directory.dir, Place::list)?;
    let now = Timestamp(attune_process::clock::wall());
    global.printer().list(
        &secrets,
        |secret| secret.name.clone(),
        &["name", "owner", "version", "key", "stored"],
        |secret| {
            vec![
                secret.name.clone(),
                match &secret.owner_ref {
                    Some(reference) => format!("{} {reference}", secret.owner),
                    None => secret.owner.clone(),
                },
                secret.version.to_string(),
                secret.key_id.to_string(),
                ago(now, secret.updated_at),
            ]
        },
    )?;
    Ok(ExitCode::SUCCESS)
}
