//! `attune artifact`: files that executions left behind.

mod get;
mod list;

use std::process::ExitCode;

use clap::Subcommand;

use crate::arguments::Global;
use crate::backend::Client;
use crate::error::CliError;

/// What to do with artifacts.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    Get(get::Arguments),
}

/// Does it, against the server or the `attune dev` of this directory.
pub(crate) fn run(global: &Global, command: Command) -> Result<ExitCode, CliError> {
    let client = Client::find(global)?;
    match command {
        Command::List(arguments) => list::run(&client, global.printer(), arguments),
        Command::Get(arguments) => get::run(&client, arguments),
    }
}
