//! `attune pack show`.

use std::path::PathBuf;
use std::process::ExitCode;

use attune_types::{ActionSpec, PackSpec};
use clap::Args;
use serde_json::json;

use crate::arguments::Global;
use crate::backend::{Client, Local};
use crate::error::CliError;
use crate::output::{Format, Table};

/// Shows one pack and its actions
#[derive(Debug, Args)]
#[command(after_help = "Example:
  attune pack show examples")]
pub(crate) struct Arguments {
    /// The pack's name
    #[arg(value_name = "PACK")]
    name: String,
    /// A folder of packs; may be given several times and wins over the configuration
    #[arg(long, value_name = "DIR")]
    packs_dir: Vec<PathBuf>,
}

/// Shows it.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let (pack, actions) = find(global, &arguments)?;
    let printer = global.printer();
    match printer.format() {
        Format::Table => {
            let mut table = Table::new(&["action", "runtime", "description"]);
            for action in &actions {
                table.row([action.action_ref.to_string(), action.runner_type.clone(), action.description.clone()]);
            }
            let head = format!("{} {}\n{}\n\n", pack.pack_ref, pack.version, pack.description);
            printer.text(&head)?;
            printer.text(&table.render())?;
        }
        Format::Name => printer.line(&pack.pack_ref)?,
        Format::Json | Format::Yaml => printer.document(&json!({"pack": pack, "actions": actions}))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn find(global: &Global, arguments: &Arguments) -> Result<(PackSpec, Vec<ActionSpec>), CliError> {
    let unknown = || CliError::NotFound {
        what: "pack",
        name: arguments.name.clone(),
        hint: "`attune pack list` shows the packs".into(),
    };
    if let Some(client) = Client::configured(global)? {
        let pack = client.packs()?.into_iter().find(|pack| pack.pack_ref == arguments.name).ok_or_else(unknown)?;
        return Ok((pack, client.actions(Some(&arguments.name))?));
    }
    let local = Local::load(global, &arguments.packs_dir)?;
    let pack = local.library.pack(&arguments.name).ok_or_else(unknown)?;
    Ok((pack.spec.clone(), pack.actions.clone()))
}
