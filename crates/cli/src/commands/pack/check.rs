//! `attune pack check`.

use std::path::PathBuf;
use std::process::ExitCode;

use attune_pack::Pack;
use clap::Args;
use serde_json::json;

use crate::arguments::Global;
use crate::error::CliError;
use crate::exit;
use crate::output::{Format, remark};

/// Checks the folder of a pack and names everything that is wrong with it by file, line and column
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune pack check packs/examples
  for pack in packs/*; do attune pack check \"$pack\" || exit; done")]
pub(crate) struct Arguments {
    /// The pack's folder: the one that holds pack.yaml
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// Checks it.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let printer = global.printer();
    match Pack::load(&arguments.directory) {
        Ok(pack) => {
            let (actions, runtimes) = (pack.actions.len(), pack.runtimes.len());
            match printer.format() {
                Format::Table => remark(&format!(
                    "{} {}: {actions} action(s) and {runtimes} runtime(s), nothing to complain about",
                    pack.spec.pack_ref, pack.spec.version
                )),
                Format::Name => printer.line(&pack.spec.pack_ref)?,
                Format::Json | Format::Yaml => printer.document(&json!({
                    "pack": pack.spec.pack_ref, "actions": actions, "runtimes": runtimes, "problems": [],
                }))?,
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let problems: Vec<String> = error.problems.iter().map(ToString::to_string).collect();
            match printer.format() {
                Format::Json | Format::Yaml => {
                    printer.document(&json!({"directory": error.directory, "problems": problems}))?;
                }
                // The findings are what was asked for, so they are data; compilers and editors read file:line:column.
                Format::Table | Format::Name => problems.iter().try_for_each(|problem| printer.line(problem))?,
            }
            remark(&format!("error: {} problem(s) in {}", problems.len(), error.directory.display()));
            Ok(ExitCode::from(exit::BAD_INPUT))
        }
    }
}
