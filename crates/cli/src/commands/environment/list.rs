//! `attune environment list`.

use std::process::ExitCode;

use attune_types::{Environment, Timestamp, words};
use clap::Args;

use super::Volume;
use crate::arguments::Global;
use crate::backend::Client;
use crate::error::CliError;
use crate::output::{ago, human_millis};

/// Lists environments: what workers told the server about them, or what lies on a volume of this machine
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune environment list
  attune environment list --pack reports -o json | jq -r '.[] | select(.state == \"failed\").log'
  attune environment list --local")]
pub(crate) struct Arguments {
    /// Look at the volume of this machine instead of asking the server
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    volume: Volume,
    /// Only those of this pack
    #[arg(long, value_name = "PACK")]
    pack: Option<String>,
}

/// Lists them.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let is_wanted = |pack: &str| arguments.pack.as_ref().is_none_or(|wanted| wanted == pack);
    let now = Timestamp(attune_process::clock::wall());
    if arguments.local || arguments.volume.directory.is_some() {
        let (volume, directory) = arguments.volume.open(global)?;
        let mut found = volume.list().map_err(CliError::file("reading", directory))?;
        found.retain(|entry| is_wanted(&entry.pack));
        global.printer().list(
            &found,
            |entry| entry.directory.display().to_string(),
            &["pack", "runtime", "interpreter", "size", "made", "last used", "directory"],
            |entry| {
                let used = if entry.in_use {
                    "now".to_owned()
                } else {
                    entry.used_at.map_or_else(String::new, |at| ago(now, at))
                };
                vec![
                    entry.pack.clone(),
                    entry.runtime.clone(),
                    entry.interpreter.clone(),
                    words::size(entry.size_bytes),
                    ago(now, entry.built_at),
                    used,
                    entry.directory.display().to_string(),
                ]
            },
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut told = Client::find(global)?.environments()?;
    told.retain(|environment| is_wanted(&environment.pack));
    global.printer().list(
        &told,
        |environment| format!("{}/{}", environment.pack, environment.runtime),
        &["pack", "runtime", "worker", "state", "size", "took", "interpreter", "since"],
        |environment| {
            vec![
                environment.pack.clone(),
                environment.runtime.clone(),
                environment.worker.clone(),
                state(environment),
                environment.size_bytes.map_or_else(String::new, words::size),
                environment
                    .took_ms
                    .map_or_else(String::new, |took| human_millis(i64::try_from(took).unwrap_or(i64::MAX))),
                environment.interpreter.clone(),
                ago(now, environment.changed_at),
            ]
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

/// `ready`, `building: install`, `failed: install`.
fn state(environment: &Environment) -> String {
    match environment.step.as_str() {
        "" => environment.state.to_string(),
        step => format!("{}: {step}", environment.state),
    }
}
