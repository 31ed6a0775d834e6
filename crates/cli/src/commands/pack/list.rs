//! `attune pack list`.

use std::path::PathBuf;
use std::process::ExitCode;

use attune_types::PackSpec;
use clap::Args;

use crate::arguments::Global;
use crate::backend::{Client, Local};
use crate::error::CliError;

/// Lists packs
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune pack list
  attune pack list --packs-dir ../more-packs -o name")]
pub(crate) struct Arguments {
    /// A folder of packs; may be given several times and wins over the configuration
    #[arg(long, value_name = "DIR")]
    packs_dir: Vec<PathBuf>,
}

/// Lists them.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let packs: Vec<PackSpec> = match Client::configured(global)? {
        Some(client) => client.packs()?,
        None => {
            let local = Local::load(global, &arguments.packs_dir)?;
            local.library.packs().map(|pack| pack.spec.clone()).collect()
        }
    };
    global.printer().list(
        &packs,
        |pack| pack.pack_ref.clone(),
        &["pack", "version", "description"],
        |pack| vec![pack.pack_ref.clone(), pack.version.clone(), pack.description.clone()],
    )?;
    Ok(ExitCode::SUCCESS)
}
