//! `attune pack init`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use attune_pack::Pack;
use attune_types::action::is_valid_name;
use clap::Args;
use serde_json::json;

use super::scaffold::{self, Language};
use crate::arguments::Global;
use crate::error::CliError;
use crate::output::{Format, remark};

/// Starts a pack: a folder with one action that works and a test of it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune pack init weather
  attune pack init weather --runtime node --into ~/packs
  cd weather && attune pack test .")]
pub(crate) struct Arguments {
    /// The pack's name: lower-case letters, digits, '_' and '-'
    #[arg(value_name = "NAME")]
    name: String,
    /// What its first action is written in
    #[arg(long, value_enum, default_value_t = Language::Python)]
    runtime: Language,
    /// The folder to make it in
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
}

/// Makes it.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let Arguments { name, runtime, into } = arguments;
    if !is_valid_name(&name) {
        return Err(CliError::usage(
            format!("{name:?} cannot name a pack"),
            "use lower-case letters, digits, '_' and '-', at most 64, and begin with a letter or digit",
        ));
    }
    let folder = into.join(&name);
    if fs::symlink_metadata(&folder).is_ok() {
        return Err(CliError::usage(
            format!("{} exists already", folder.display()),
            "choose another name, or another folder with --into",
        ));
    }
    let files = scaffold::files(&name, runtime);
    for file in &files {
        write(&folder.join(&file.path), &file.text, file.is_executable)?;
    }
    // What is handed out keeps the rules; if it does not, that is our fault and is said.
    Pack::load(&folder).map_err(|error| CliError::internal("checking the new pack", error))?;
    let printer = global.printer();
    match printer.format() {
        Format::Table => {
            files.iter().try_for_each(|file| printer.line(&folder.join(&file.path).display().to_string()))?
        }
        Format::Name => printer.line(&name)?,
        Format::Json | Format::Yaml => {
            let paths: Vec<PathBuf> = files.iter().map(|file| folder.join(&file.path)).collect();
            printer.document(&json!({"pack": name, "directory": folder, "files": paths}))?;
        }
    }
    let parent = into.display();
    remark(&format!("next: attune run {name}.hello name=Ada --packs-dir {parent}"));
    remark(&format!("      attune pack test {}", folder.display()));
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str, is_executable: bool) -> Result<(), CliError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(CliError::file("making", parent))?;
    }
    fs::write(path, text).map_err(CliError::file("writing", path))?;
    if is_executable {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map_err(CliError::file("writing", path))?;
    }
    Ok(())
}
