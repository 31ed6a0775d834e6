//! `attune config`.

mod show;

use std::process::ExitCode;

use clap::Subcommand;

use crate::arguments::Global;
use crate::error::CliError;

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Show(show::Arguments),
}

/// Does it.
pub(crate) fn run(global: &Global, command: Command) -> Result<ExitCode, CliError> {
    match command {
        Command::Show(arguments) => show::run(global, arguments),
    }
}
