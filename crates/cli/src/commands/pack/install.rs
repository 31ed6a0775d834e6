//! `attune pack install`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use attune_pack::install::{InstallError, Installed, PackStore};
use clap::Args;
use serde_json::json;

use super::git;
use crate::arguments::Global;
use crate::backend::load_config;
use crate::error::CliError;
use crate::output::{Format, remark};

/// Installs a pack from a folder, an archive or a git repository
///
/// Nothing of the pack is run. The pack is checked first, then put in place in one step; executions that run keep the
/// version they started with, and workers pick the new one up by themselves.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune pack install ./weather
  attune pack install weather-1.2.0.tar.gz
  attune pack install https://git.example.org/packs/weather.git --ref v1.2.0
  attune pack install ./weather --into /opt/attune/packs")]
pub(crate) struct Arguments {
    /// A folder, a tar, tar.gz or zip archive, or the address of a git repository
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The branch, tag or commit of a git repository
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// The folder inside a git repository that holds pack.yaml
    #[arg(long, value_name = "DIR")]
    subdirectory: Option<PathBuf>,
    /// The folder of packs to install into [default: the first of packs.directories]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Also replace a pack that comes with Attune
    #[arg(long)]
    allow_reserved: bool,
}

/// Installs it.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let into = match &arguments.into {
        Some(into) => into.clone(),
        None => load_config(global)?.packs.directories.first().cloned().ok_or_else(|| {
            CliError::usage("there is no folder to install into", "name one with --into, or set packs.directories")
        })?,
    };
    let store = PackStore::new(into).allow_reserved(arguments.allow_reserved);
    let installed = if git::is_address(&arguments.source) {
        let checkout = git::Checkout::fetch(&arguments.source, arguments.reference.as_deref())?;
        let folder = checkout.folder(arguments.subdirectory.as_deref())?;
        store.install_folder(&folder)
    } else {
        if arguments.reference.is_some() || arguments.subdirectory.is_some() {
            return Err(CliError::usage(
                "--ref and --subdirectory are for git repositories",
                "give the address of one, or leave them out",
            ));
        }
        let path = Path::new(&arguments.source);
        if path.is_dir() { store.install_folder(path) } else { store.install_archive(path) }
    };
    let installed = installed.map_err(|error| refused(&arguments.source, error))?;
    tell(global, &store, &installed)?;
    Ok(ExitCode::SUCCESS)
}

fn tell(global: &Global, store: &PackStore, installed: &Installed) -> Result<(), CliError> {
    let (name, version) = (&installed.pack.spec.pack_ref, &installed.pack.spec.version);
    let printer = global.printer();
    match printer.format() {
        Format::Table | Format::Name => printer.line(name)?,
        Format::Json | Format::Yaml => printer.document(&json!({
            "pack": name, "version": version, "digest": installed.digest.to_string(),
            "directory": installed.pack.directory, "replaced": installed.replaced, "was_current": installed.was_current,
        }))?,
    }
    let digest = installed.digest.to_string();
    let short = &digest[..12];
    remark(&if installed.was_current {
        format!("{name} {version} ({short}) was installed already")
    } else {
        format!("installed {name} {version} ({short}) into {}", store.root().display())
    });
    Ok(())
}

fn refused(source: &str, error: InstallError) -> CliError {
    let hint = match &error {
        InstallError::Source { .. } => {
            "name a folder, an archive, or an address that begins with https://, ssh:// or git@"
        }
        InstallError::Invalid(_) => "mend the pack; `attune pack check DIR` shows the same",
        InstallError::Store { .. } => "check who may write there, or choose another folder with --into",
        _ => "nothing was changed",
    };
    CliError::Input { what: source.to_owned(), hint: hint.to_owned(), source: error.into() }
}
