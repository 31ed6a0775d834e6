//! `attune pack`: look at packs and check them.

mod check;
mod list;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

use crate::arguments::Global;
use crate::error::CliError;

/// What to do with packs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    Show(show::Arguments),
    Check(check::Arguments),
}

/// Does it, against the server that was named, else the packs on this disk.
pub(crate) fn run(global: &Global, command: Command) -> Result<ExitCode, CliError> {
    match command {
        Command::List(arguments) => list::run(global, arguments),
        Command::Show(arguments) => show::run(global, arguments),
        Command::Check(arguments) => check::run(global, arguments),
    }
}
