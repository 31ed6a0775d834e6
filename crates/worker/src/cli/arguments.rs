//! The command line of `attune-worker` and `attune-agent`.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Runs executions that a server assigns to it, with the interpreters of the machine or container it is in
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Every key of the configuration can be set by ATTUNE__SECTION__KEY; ATTUNE_WORKER_NAME and \
        ATTUNE_WORKER_RUNTIMES are short for the most common.\n\nSignals: the first SIGTERM or SIGINT drains (no new \
        work; what runs gets worker.shutdown_timeout), the second stops what runs, the third kills it.\n\nExit codes: 0 \
        stopped as asked, 3 another worker took over the name, 64 bad command line or configuration, 69 database or \
        broker not available, 70 supervisor gave up, 75 outcomes wait on disk for the next start, 130 killed by the \
        third signal\n\nInside of an action this program is its helper: attune-agent output, artifact, \
        progress, secret, log; see attune-agent output --help"
)]
pub(crate) struct Arguments {
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Print the configuration with the origin of every value, and exit
    #[arg(long)]
    pub(crate) print_config: bool,

    /// Name of this worker, unique among all; the host's name if not given [worker.name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Print the interpreters found here, and exit
    #[arg(long)]
    pub(crate) detect_only: bool,

    /// Print them as JSON
    #[arg(long, requires = "detect_only")]
    pub(crate) json: bool,

    /// Say whether the worker that runs here with the same configuration can do its work; exit code 0 or 69
    ///
    /// It can when its actors answer, the database confirms its heartbeats and the broker has its consumer.
    #[arg(long)]
    pub(crate) health: bool,

    /// Something else than working.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Something else than working.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what works on this machine, and what to do about the rest
    ///
    /// Exit code 0 when a worker can do its work here, 69 otherwise. Warnings are about what Attune can do without.
    Doctor {
        /// How to print it
        #[arg(short, long, value_name = "FORMAT", default_value = "table")]
        output: Output,
    },
    /// Put this program into a directory, from where other containers run it
    ///
    /// What is there is replaced at once and as a whole: workers that run the old one go on undisturbed.
    Install {
        /// The directory, usually a volume
        #[arg(value_name = "DIRECTORY", default_value = "/opt/attune/agent")]
        directory: PathBuf,
    },
}

/// How to print something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Table,
    /// One JSON document
    Json,
}

impl Arguments {
    /// What the command line sets in the configuration.
    pub(crate) fn overrides(&self) -> Vec<(String, String)> {
        self.name.iter().map(|name| ("worker.name".to_owned(), name.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        let arguments = Arguments::try_parse_from(["attune-worker", "--name", "w1"]).expect("valid");
        assert_eq!(arguments.overrides(), [("worker.name".to_owned(), "w1".to_owned())]);
        assert!(Arguments::try_parse_from(["attune-worker", "--json"]).is_err());
    }
}
