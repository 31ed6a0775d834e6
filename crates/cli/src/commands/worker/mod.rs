//! `attune worker`: look at workers and steer them.

mod drain;
mod environments;
mod list;
mod resume;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::arguments::Global;
use crate::backend::Client;
use crate::error::CliError;

pub(crate) use self::list::runtimes;

/// What to do with workers.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    Show(show::Arguments),
    Drain(drain::Arguments),
    Resume(resume::Arguments),
}

/// Names one worker.
#[derive(Debug, Clone, Args)]
pub(crate) struct Which {
    /// The worker's name, as `attune worker list` shows it
    #[arg(value_name = "NAME")]
    name: String,
}

/// Does it, against the server or the `attune dev` of this directory.
pub(crate) fn run(global: &Global, command: Command) -> Result<ExitCode, CliError> {
    let client = Client::find(global)?;
    let printer = global.printer();
    match command {
        Command::List(arguments) => list::run(&client, printer, arguments),
        Command::Show(arguments) => show::run(&client, printer, arguments),
        Command::Drain(arguments) => drain::run(&client, printer, arguments),
        Command::Resume(arguments) => resume::run(&client, printer, arguments),
    }
}
