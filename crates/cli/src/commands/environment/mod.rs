//! `attune environment`: what packs need beside their interpreters.

mod list;
mod prune;
mod rebuild;

use std::path::PathBuf;
use std::process::ExitCode;

use attune_worker::EnvironmentVolume;
use clap::{Args, Subcommand};

use crate::arguments::Global;
use crate::backend::load_config;
use crate::error::CliError;

/// What to do with environments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    Rebuild(rebuild::Arguments),
    Prune(prune::Arguments),
}

/// Names a volume.
#[derive(Debug, Clone, Args)]
pub(crate) struct Volume {
    /// The folder of environments on this machine. Default: paths.runtime_envs_dir of the configuration
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

impl Volume {
    /// The volume, and where it is.
    fn open(&self, global: &Global) -> Result<(EnvironmentVolume, PathBuf), CliError> {
        let directory = match &self.directory {
            Some(directory) => directory.clone(),
            None => load_config(global)?.paths.runtime_envs_dir,
        };
        let directory = std::path::absolute(&directory).unwrap_or(directory);
        Ok((EnvironmentVolume::new(&directory), directory))
    }
}

/// Does it.
pub(crate) fn run(global: &Global, command: Command) -> Result<ExitCode, CliError> {
    match command {
        Command::List(arguments) => list::run(global, arguments),
        Command::Rebuild(arguments) => rebuild::run(global, arguments),
        Command::Prune(arguments) => prune::run(global, arguments),
    }
}
