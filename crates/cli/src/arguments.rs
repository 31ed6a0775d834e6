//! The command line as a whole.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser};

use crate::commands::Command;
use crate::exit;
use crate::output::{Format, Printer};

const ABOUT: &str = "Runs any script in any container, and states for every execution why it ended.";

const EXAMPLES: &str = "\
First steps:
  attune run examples.hello name=Ada       one execution, in this process; the result on standard output
  attune run ./script.py n:=3              a bare file; its runtime is guessed and said
  attune dev                               API, scheduler and worker in one process, data in ./.attune
  attune demo                              what runs on this machine, shown
  attune doctor                            what works on this machine, and what to do about the rest

With a server: set ATTUNE_API_URL and ATTUNE_API_TOKEN. Without, `execution` and `worker` use the `attune dev` that
runs in this directory.";

/// `attune`.
#[derive(Debug, Parser)]
#[command(name = "attune", version, about = ABOUT, after_help = EXAMPLES, after_long_help = long_help(), max_term_width = 110)]
pub(crate) struct Arguments {
    /// What every command understands.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

fn long_help() -> String {
    format!("{EXAMPLES}\n\n{}", exit::TABLE)
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Address of an Attune server, e.g. http://127.0.0.1:8080
    #[arg(long, env = "ATTUNE_API_URL", global = true, value_name = "URL")]
    pub(crate) api_url: Option<String>,
    /// Token for the server; prefer the variable, an argument is seen by everybody on this machine
    #[arg(long, env = "ATTUNE_API_TOKEN", hide_env_values = true, global = true, value_name = "TOKEN")]
    pub(crate) api_token: Option<String>,
    /// Configuration file
    #[arg(long, env = "ATTUNE_CONFIG", global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How to print data [default: table; `attune run` prints the result alone]
    #[arg(short, long, value_enum, global = true, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,
    /// Leave control characters in foreign text as they are, even on a terminal
    #[arg(long, global = true)]
    pub(crate) raw: bool,
}

impl Global {
    /// What prints the data of a command.
    pub(crate) fn printer(&self) -> Printer {
        Printer::new(self.output.unwrap_or(Format::Table), self.raw)
    }
}

/// Answers a command line that could not be read, `--help` and `--version` included.
pub(crate) fn refuse(refusal: &clap::Error) -> ExitCode {
    // Nothing sensible is left to do when even this cannot be printed.
    let _ = refusal.print();
    match refusal.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(exit::BAD_INPUT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_does() {
        fn check(command: &clap::Command, path: &str) {
            for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
                let path = format!("{path} {}", sub.get_name());
                assert!(sub.get_about().is_some(), "{path} has no description");
                for argument in sub.get_arguments() {
                    assert!(argument.get_help().is_some(), "{path}: {} has no help", argument.get_id());
                }
                check(sub, &path);
            }
        }
        check(&Arguments::command(), "attune");
    }
}
