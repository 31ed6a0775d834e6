//! `attune execution`: look at executions and steer them.

mod cancel;
mod events;
mod explain;
mod list;
mod logs;
mod retry;
mod reveal;
mod show;

use std::process::ExitCode;

use attune_types::ExecutionId;
use clap::{Args, Subcommand};

use crate::arguments::Global;
use crate::backend::Client;
use crate::error::CliError;

/// What to do with executions.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    Show(show::Arguments),
    Logs(logs::Arguments),
    Cancel(cancel::Arguments),
    Retry(retry::Arguments),
    Reveal(reveal::Arguments),
    Explain(explain::Arguments),
    Events(events::Arguments),
}

/// Names one execution.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Which {
    /// The execution's id, as `attune execution list` shows it
    #[arg(value_name = "ID")]
    id: i64,
}

impl Which {
    fn id(self) -> ExecutionId {
        ExecutionId(self.id)
    }
}

/// Does it, against the server or the `attune dev` of this directory.
pub(crate) fn run(global: &Global, command: Command) -> Result<ExitCode, CliError> {
    let client = Client::find(global)?;
    let printer = global.printer();
    match command {
        Command::List(arguments) => list::run(&client, printer, arguments),
        Command::Show(arguments) => show::run(&client, printer, arguments),
        Command::Logs(arguments) => logs::run(&client, printer, arguments),
        Command::Cancel(arguments) => cancel::run(&client, printer, arguments),
        Command::Retry(arguments) => retry::run(&client, printer, arguments),
        Command::Reveal(arguments) => reveal::run(&client, printer, arguments),
        Command::Explain(arguments) => explain::run(&client, printer, arguments),
        Command::Events(arguments) => events::run(&client, printer, arguments),
    }
}
