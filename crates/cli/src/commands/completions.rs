//! `attune completions`.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::error::CliError;
use crate::output::write_stdout;

/// Prints a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune completions bash > ~/.local/share/bash-completion/completions/attune
  attune completions zsh > ~/.zfunc/_attune
  attune completions fish > ~/.config/fish/completions/attune.fish")]
pub(crate) struct Arguments {
    /// Which shell
    shell: Shell,
}

/// Prints it.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::arguments::Arguments::command(), "attune", &mut script);
    write_stdout(&script)?;
    Ok(ExitCode::SUCCESS)
}
