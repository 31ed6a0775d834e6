//! `attune environment prune`.

use std::process::ExitCode;
use std::time::Duration;

use attune_types::words;
use clap::Args;

use super::Volume;
use crate::arguments::Global;
use crate::error::CliError;
use crate::output::{parse_duration, remark};

/// Removes environments that nobody uses, from the volume of this machine
///
/// What a worker that lives may still start something in stays, and so does what is being made. What somebody began to
/// make and did not finish goes whatever its age. The server is not asked: a volume belongs to machines, so run this
/// where it is mounted.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune environment prune
  attune environment prune --older-than 12h --directory /opt/attune/runtime_envs")]
pub(crate) struct Arguments {
    /// Only what no worker began to use for this long
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = parse_duration)]
    older_than: Duration,
    #[command(flatten)]
    volume: Volume,
}

/// Removes them.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let (volume, directory) = arguments.volume.open(global)?;
    let pruned = volume.prune(arguments.older_than).map_err(CliError::file("removing from", directory))?;
    global.printer().list(
        &pruned.removed,
        |entry| entry.directory.display().to_string(),
        &["pack", "runtime", "interpreter", "size"],
        |entry| {
            vec![entry.pack.clone(), entry.runtime.clone(), entry.interpreter.clone(), words::size(entry.size_bytes)]
        },
    )?;
    let bytes = pruned.removed.iter().map(|entry| entry.size_bytes).sum();
    remark(&format!(
        "removed {} environments ({}) and {} that were never finished; {} are old but in use",
        pruned.removed.len(),
        words::size(bytes),
        pruned.half_built,
        pruned.in_use
    ));
    Ok(ExitCode::SUCCESS)
}
