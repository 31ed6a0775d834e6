//! `attune environment rebuild`.

use std::process::ExitCode;

use clap::Args;

use super::Volume;
use crate::arguments::Global;
use crate::error::CliError;
use crate::output::remark;

/// Has the environments of a pack made again, on the volume of this machine
///
/// Says on the volume that they are not ready any more. Workers that share it notice within seconds: a full worker makes
/// them again at once, an agent when they are needed next. What runs goes on in what it started with. The server is not
/// asked: a volume belongs to machines, so run this where it is mounted.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune environment rebuild reports
  attune environment rebuild reports python --directory /opt/attune/runtime_envs")]
pub(crate) struct Arguments {
    /// The pack
    #[arg(value_name = "PACK")]
    pack: String,
    /// Only for this runtime
    #[arg(value_name = "RUNTIME")]
    runtime: Option<String>,
    #[command(flatten)]
    volume: Volume,
}

/// Asks for it.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let Arguments { pack, runtime, volume } = arguments;
    let (volume, directory) = volume.open(global)?;
    let asked = volume.rebuild(&pack, runtime.as_deref()).map_err(CliError::file("changing", directory.clone()))?;
    if asked.is_empty() {
        let name = runtime.map_or(pack.clone(), |runtime| format!("{pack} {runtime}"));
        let hint = format!("`attune environment list --local` lists what is in {}", directory.display());
        return Err(CliError::NotFound { what: "environment of", name, hint });
    }
    for one in asked.iter().filter(|one| !one.accepted) {
        remark(&format!("{} is being made at this moment", one.environment.directory.display()));
    }
    global.printer().list(
        &asked,
        |one| one.environment.directory.display().to_string(),
        &["pack", "runtime", "interpreter", "made again"],
        |one| {
            let environment = &one.environment;
            vec![
                environment.pack.clone(),
                environment.runtime.clone(),
                environment.interpreter.clone(),
                if one.accepted { "on next use" } else { "now" }.to_owned(),
            ]
        },
    )?;
    Ok(ExitCode::SUCCESS)
}
