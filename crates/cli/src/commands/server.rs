//! `attune server`.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Args;

use crate::arguments::Global;

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

/// Runs it. `--config` is understood by every command of this program, so it is handed on.
pub(crate) fn run(global: &Global, arguments: Arguments) -> ExitCode {
    let program = OsString::from("attune server");
    let config = global.config.iter().flat_map(|file| [OsString::from("--config"), file.clone().into_os_string()]);
    attune_control::cli::main_from(std::iter::once(program).chain(config).chain(arguments.arguments))
}
