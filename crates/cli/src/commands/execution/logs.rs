//! `attune execution logs`.

use std::process::ExitCode;

use attune_types::LogStream;
use clap::Args;

use super::Which;
use crate::backend::Client;
use crate::error::CliError;
use crate::output::{Escaper, Printer, write_stdout};

/// Prints what an execution wrote, both streams in the order in which it arrived
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune execution logs 42
  attune execution logs -f 42                 follow until it ends
  attune execution logs 42 --stream stderr")]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Keep printing until the execution ends
    #[arg(short, long)]
    follow: bool,
    /// Only this stream: stdout, stderr or system
    #[arg(long, value_name = "STREAM", value_parser = parse_stream)]
    stream: Option<LogStream>,
}

fn parse_stream(word: &str) -> Result<LogStream, String> {
    serde_json::from_value(word.into()).map_err(|_| "one of stdout, stderr, system".to_owned())
}

/// Prints it.
pub(crate) fn run(client: &Client, printer: Printer, arguments: Arguments) -> Result<ExitCode, CliError> {
    let mut escapers = [Escaper::default(), Escaper::default(), Escaper::default()];
    client.logs(arguments.which.id(), arguments.follow, &mut |piece| {
        if arguments.stream.is_some_and(|wanted| wanted != piece.stream) {
            return Ok(());
        }
        if printer.stdout_raw() {
            return write_stdout(&piece.bytes);
        }
        write_stdout(escapers[(piece.stream.as_number() - 1) as usize].feed(&piece.bytes).as_bytes())
    })?;
    escapers.iter_mut().try_for_each(|escaper| write_stdout(escaper.finish().as_bytes()))?;
    Ok(ExitCode::SUCCESS)
}
