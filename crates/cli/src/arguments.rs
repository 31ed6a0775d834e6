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
    ExitCode::from(exit_code(refusal))
}

/// What help and versions end with, and everything else.
fn exit_code(refusal: &clap::Error) -> u8 {
    match refusal.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
        _ => exit::BAD_INPUT,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::parameters::parse_pair;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    /// `data` is a command line, a word on each line.
    fn command_line(data: &[u8]) {
        let Ok(text) = std::str::from_utf8(data) else { return };
        let words: Vec<&str> = std::iter::once("attune").chain(text.split('\n')).collect();
        for word in &words {
            if let Ok((name, _)) = parse_pair(word) {
                assert!(!name.is_empty() && word.starts_with(&name), "{word:?} gives {name:?}");
            }
        }
        if let Err(refusal) = Arguments::try_parse_from(&words) {
            let is_asked_for = !refusal.use_stderr();
            assert_eq!(exit_code(&refusal), if is_asked_for { 0 } else { exit::BAD_INPUT }, "{words:?}");
            assert!(!refusal.to_string().is_empty());
        }
    }

    #[test]
    fn any_command_line_is_read_or_refused_with_its_code() {
        let target = attune_fuzz::Target { name: "attune_command_line", run: command_line };
        let files = std::fs::read_dir(attune_fuzz::corpus(target.name)).expect("a corpus").flatten();
        let examples: Vec<Vec<u8>> = files.map(|file| std::fs::read(file.path()).expect("read")).collect();
        assert!(examples.len() > 3);
        // `make fuzz` gives it more time.
        let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
        match attune_fuzz::fuzz(target, &examples, Duration::from_secs(seconds), 1) {
            Ok(count) => eprintln!("{{\"target\":\"{}\",\"seconds\":{seconds},\"inputs\":{count}}}", target.name),
            Err(found) => panic!("{} for {:?}", found.message, String::from_utf8_lossy(&found.input)),
        }
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
