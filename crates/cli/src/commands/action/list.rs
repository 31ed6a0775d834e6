//! `attune action list`.

use std::path::PathBuf;
use std::process::ExitCode;

use attune_types::ActionSpec;
use clap::Args;

use crate::arguments::Global;
use crate::backend::{Client, Local};
use crate::error::CliError;

/// Lists actions
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune action list
  attune action list --pack examples -o json | jq -r '.[].ref'")]
pub(crate) struct Arguments {
    /// Only actions of this pack
    #[arg(long, value_name = "PACK")]
    pack: Option<String>,
    /// A folder of packs; may be given several times and wins over the configuration
    #[arg(long, value_name = "DIR")]
    packs_dir: Vec<PathBuf>,
}

/// Lists them.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let actions: Vec<ActionSpec> = match Client::configured(global)? {
        Some(client) => client.actions(arguments.pack.as_deref())?,
        None => {
            let local = Local::load(global, &arguments.packs_dir)?;
            let wanted = |name: &str| arguments.pack.as_deref().is_none_or(|pack| pack == name);
            local
                .library
                .packs()
                .filter(|pack| wanted(&pack.spec.pack_ref))
                .flat_map(|pack| pack.actions.iter().cloned())
                .collect()
        }
    };
    global.printer().list(
        &actions,
        |action| action.action_ref.to_string(),
        &["action", "runtime", "parameters", "description"],
        |action| {
            vec![
                action.action_ref.to_string(),
                action.runner_type.clone(),
                signature(action),
                action.description.clone(),
            ]
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

/// `name [shout]`: optional ones in brackets.
fn signature(action: &ActionSpec) -> String {
    let mut names: Vec<(bool, &String)> = action.parameters.iter().map(|(name, spec)| (!spec.required, name)).collect();
    names.sort();
    let shown: Vec<String> =
        names.into_iter().map(|(optional, name)| if optional { format!("[{name}]") } else { name.clone() }).collect();
    shown.join(" ")
}
