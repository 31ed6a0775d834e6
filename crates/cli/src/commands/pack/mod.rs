//! `attune pack`: start, check, test, install and look at packs.

mod case;
mod check;
mod git;
mod init;
mod install;
mod list;
mod scaffold;
mod show;
mod test;

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
    Init(init::Arguments),
    Check(check::Arguments),
    Test(test::Arguments),
    Install(install::Arguments),
}

/// Does it, against the server that was named, else the packs on this disk.
pub(crate) fn run(global: &Global, command: Command) -> Result<ExitCode, CliError> {
    match command {
        Command::List(arguments) => list::run(global, arguments),
        Command::Show(arguments) => show::run(global, arguments),
        Command::Init(arguments) => init::run(global, arguments),
        Command::Check(arguments) => check::run(global, arguments),
        Command::Test(arguments) => test::run(global, arguments),
        Command::Install(arguments) => install::run(global, arguments),
    }
}
