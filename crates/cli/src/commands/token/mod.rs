//! `attune token`: who may speak to the server.

mod create;
mod list;
mod revoke;

use std::process::ExitCode;

use clap::Subcommand;

use crate::arguments::Global;
use crate::backend::Client;
use crate::error::CliError;

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Create(create::Arguments),
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    Revoke(revoke::Arguments),
}

/// Does it, against the server or the `attune dev` of this directory.
pub(crate) fn run(global: &Global, command: Command) -> Result<ExitCode, CliError> {
    let client = Client::find(global)?;
    let printer = global.printer();
    match command {
        Command::Create(arguments) => create::run(&client, printer, arguments),
        Command::List(arguments) => list::run(&client, printer, arguments),
        Command::Revoke(arguments) => revoke::run(&client, arguments),
    }
}
