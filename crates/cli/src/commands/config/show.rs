//! `attune config show`.

use std::process::ExitCode;

use clap::Args;

use crate::arguments::Global;
use crate::backend::load_config;
use crate::error::CliError;

/// Prints the configuration as it is in effect; secrets are masked
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune config show
  attune config show --origin
  ATTUNE__WORKER__MAX_CONCURRENT_TASKS=2 attune config show --origin | grep max_concurrent")]
pub(crate) struct Arguments {
    /// Say for every value where it came from
    #[arg(long)]
    origin: bool,
}

/// Prints it.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let config = load_config(global)?;
    let text = config.print_with_origins();
    let printer = global.printer();
    if arguments.origin {
        printer.text(&text)?;
    } else {
        text.lines().try_for_each(|line| printer.line(without_origin(line)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Origins are YAML comments at the end of a line.
fn without_origin(line: &str) -> &str {
    line.rsplit_once("  # ").map_or(line, |(value, _)| value.trim_end())
}
