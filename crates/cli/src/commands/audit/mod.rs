//! `attune audit`: what was done, by whom, and whether anybody touched what says so.

mod list;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

use crate::arguments::Global;
use crate::backend::Client;
use crate::error::CliError;

/// What to do with the audit trail.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    Verify(verify::Arguments),
}

/// Does it, against the server or the `attune dev` of this directory.
pub(crate) fn run(global: &Global, command: Command) -> Result<ExitCode, CliError> {
    let client = Client::find(global)?;
    let printer = global.printer();
    match command {
        Command::List(arguments) => list::run(&client, printer, arguments),
        Command::Verify(arguments) => verify::run(&client, printer, arguments),
    }
}
