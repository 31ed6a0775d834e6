//! `attune run`: one execution, here or on a server.
//!
//! Nothing is started before the target was found and its parameters were checked. Live output of the script, both
//! streams, goes to standard error; the result, and nothing else, goes to standard output as JSON. An action without a
//! result (a script whose standard output is a log) leaves standard output empty.

mod conclusion;
mod interrupts;
mod prepare;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::arguments::Global;
use crate::backend::{Backend, Client, Embedded, Local, Remote};
use crate::error::CliError;
use crate::output::{Live, Printer, parse_duration, remark};
use crate::{exit, parameters, session};

pub(crate) use self::interrupts::Interrupts;

const EXAMPLES: &str = "\
Examples:
  attune run examples.hello name=Ada | jq -r .greeting
  attune run core.sleep seconds=2 --timeout 1s; echo $?           124
  attune run ./report.py --params report.yaml title='Week 12'
  attune run examples.csv_summary csv=\"$(cat data.csv)\" -o json | jq .outcome
  ATTUNE_API_URL=http://127.0.0.1:8080 attune run examples.hello name=Ada --detach";

/// Runs one action or script and waits for it
///
/// Runs in this process when ATTUNE_API_URL is not set, else on that server; both look the same. What the script writes
/// appears on standard error while it runs; its result, and nothing else, on standard output as JSON. The exit code is
/// the script's own.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", exit::TABLE))]
pub(crate) struct Arguments {
    /// pack.action, or a file (write ./file when an action has the same name)
    #[arg(value_name = "TARGET")]
    target: String,
    /// Parameters: name=value is text (read as the type the action asks for), name:=value is JSON
    #[arg(value_name = "name=value")]
    parameters: Vec<String>,
    /// Parameters from a JSON or YAML file, - for standard input; the ones written out win
    #[arg(long, value_name = "FILE")]
    params: Option<PathBuf>,
    /// End it after this time, e.g. 2s, 500ms, 1m30s; exit code 124
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    timeout: Option<Duration>,
    /// A folder of packs; may be given several times and wins over the configuration
    #[arg(long, value_name = "DIR")]
    packs_dir: Vec<PathBuf>,
    /// A label to find the execution by; may be given several times
    #[arg(long = "label", value_name = "NAME=VALUE")]
    labels: Vec<String>,
    /// What runs the file, instead of guessing
    #[arg(long, value_name = "NAME")]
    runtime: Option<String>,
    /// Do not wait: print the id of the execution (needs a server)
    #[arg(long)]
    detach: bool,
    /// Do not show what the script writes
    #[arg(short, long)]
    quiet: bool,
}

/// Runs it.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    // Before anything is started: reading standard input may take as long as whoever writes it.
    let file = arguments.params.as_deref().map_or_else(|| Ok(Map::new()), parameters::read_file)?;
    match Client::configured(global)? {
        Some(client) => session::block_on(execute(Remote::new(client), global, &arguments, file)),
        None if arguments.detach => Err(CliError::usage(
            "--detach needs a server that goes on when this process ends",
            "start `attune dev` and set ATTUNE_API_URL and ATTUNE_API_TOKEN to what it prints",
        )),
        None => {
            let local = Local::load(global, &arguments.packs_dir)?;
            session::block_on(execute(Embedded::new(local), global, &arguments, file))
        }
    }
}

async fn execute(
    mut backend: impl Backend,
    global: &Global,
    arguments: &Arguments,
    file: Map<String, Value>,
) -> Result<ExitCode, CliError> {
    let ended = steps(&mut backend, global, arguments, file).await;
    backend.close().await;
    ended
}

async fn steps(
    backend: &mut impl Backend,
    global: &Global,
    arguments: &Arguments,
    file: Map<String, Value>,
) -> Result<ExitCode, CliError> {
    let request = prepare::prepare(backend, arguments, file).await?;
    // From here on a signal is a wish to cancel and not the end of this process.
    let mut interrupts = Interrupts::listen()?;
    let id = backend.submit(&request).await?;
    if arguments.detach {
        remark(&format!("execution {id} was accepted: `attune execution show {id}`"));
        global.printer().one(&json!({"id": id}), |_| id.to_string(), |_| format!("{id}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let live = Live::new(arguments.quiet, global.raw, request.what.stdout_is_result());
    let watched = watch::watch(backend, id, live, &mut interrupts).await?;
    let printer = global.output.map(|format| Printer::new(format, global.raw));
    conclusion::conclude(&request.what.name(), watched, printer, backend.remembers(), global.raw)
}
