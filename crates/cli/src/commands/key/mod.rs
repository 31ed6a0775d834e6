//! `attune key`: secrets that actions may read.

mod delete;
mod list;
mod place;
mod rotate;
mod set;

use std::path::PathBuf;
use std::process::ExitCode;

use attune_secret::{Owner, SecretId, is_valid_secret_name};
use attune_types::ActionRef;
use clap::{Args, Subcommand};

use self::place::Place;
use crate::arguments::Global;
use crate::dev::DEFAULT_DIRECTORY;
use crate::error::CliError;

/// What to do with secrets.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Set(set::Arguments),
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    Delete(delete::Arguments),
    Rotate(rotate::Arguments),
}

/// Names one secret.
#[derive(Debug, Clone, Args)]
pub(crate) struct Which {
    /// The secret's name
    #[arg(value_name = "NAME")]
    name: String,
    /// It is this pack's: only its actions get it
    #[arg(long, value_name = "PACK", conflicts_with = "action")]
    pack: Option<String>,
    /// It is this action's: nobody else gets it
    #[arg(long, value_name = "PACK.ACTION")]
    action: Option<String>,
}

/// Where the secrets of this machine lie, when no server is there.
#[derive(Debug, Clone, Args)]
pub(crate) struct Directory {
    /// The data of `attune dev`, when no server is named and none runs here
    #[arg(long, default_value = DEFAULT_DIRECTORY, value_name = "DIR")]
    dir: PathBuf,
}

impl Which {
    fn id(&self) -> Result<SecretId, CliError> {
        let refused = |what: String| CliError::usage(what, "names are letters, digits, '_', '-' and '.'; at most 128");
        if !is_valid_secret_name(&self.name) {
            return Err(refused(format!("{:?} is not a name of a secret", self.name)));
        }
        let owner = match (&self.pack, &self.action) {
            (None, None) => Owner::System,
            (Some(pack), _) => {
                Owner::of("pack", pack).ok_or_else(|| refused(format!("{pack:?} is not the name of a pack")))?
            }
            (None, Some(action)) => {
                Owner::Action(action.parse::<ActionRef>().map_err(|error| refused(error.to_string()))?)
            }
        };
        Ok(SecretId { owner, name: self.name.clone() })
    }
}

/// Does it, against the server, the `attune dev` of this directory, or its data when it does not run.
pub(crate) fn run(global: &Global, command: Command) -> Result<ExitCode, CliError> {
    match command {
        Command::Set(arguments) => set::run(global, arguments),
        Command::List(arguments) => list::run(global, arguments),
        Command::Delete(arguments) => delete::run(global, arguments),
        Command::Rotate(arguments) => rotate::run(global, arguments),
    }
}
