//! `attune server`.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Args;

/// Runs the API and the scheduler of a deployment: the same program as attune-server
#[derive(Debug, Args)]
#[command(
    disable_help_flag = true,
    after_help = "Examples:
  ATTUNE__DATABASE__URL=postgres://... ATTUNE__MESSAGE_QUEUE__URL=amqp://... attune server
  attune server --help"
)]
pub(crate) struct Arguments {
    /// Arguments of attune-server
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<OsString>,
}

/// Runs it.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let program = OsString::from("attune server");
    attune_control::cli::main_from(std::iter::once(program).chain(arguments.arguments))
}
