//! `attune key delete`.

use std::process::ExitCode;

use clap::Args;

use super::{Directory, Place, Which};
use crate::arguments::Global;
use crate::error::CliError;
use crate::output::remark;

/// Forgets a secret
///
/// Executions that a worker has already been given keep it until they end; what starts later and lists it fails as
/// `secret_unavailable`, unless a wider owner has one of the same name.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  attune key delete api.token --pack reports")]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    directory: Directory,
}

/// Forgets it.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let id = arguments.which.id()?;
    Place::with(global, &arguments.directory.dir, |place| place.delete(&id))?;
    remark(&format!("secret {id} is gone"));
    Ok(ExitCode::SUCCESS)
}
