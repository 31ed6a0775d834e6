//! `attune audit verify`.

use std::process::ExitCode;

use clap::Args;

use crate::backend::{AuditVerdict, Client};
use crate::error::CliError;
use crate::exit;
use crate::output::{Printer, remark};

/// Reckons every line of the audit trail again
///
/// A line that was altered, put in or taken out breaks the chain; that lines were cut off at the end is seen by whoever
/// kept an earlier head elsewhere and gives it with --expect. Exit code 1: the trail is not what it was.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune audit verify
  attune audit verify --expect 1200:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
pub(crate) struct Arguments {
    /// A line and its hash as an earlier run printed them
    #[arg(long, value_name = "ID:HASH")]
    expect: Option<String>,
}

/// Has it checked.
pub(crate) fn run(client: &Client, printer: Printer, arguments: Arguments) -> Result<ExitCode, CliError> {
    let verdict = client.verify_audit()?;
    printer.one(&verdict, |verdict| verdict.verdict.clone(), in_words)?;
    if verdict.verdict != "whole" {
        return Ok(ExitCode::from(exit::FAILED));
    }
    if let Some(expected) = &arguments.expect
        && !still_holds(client, expected)?
    {
        remark(&format!("error: the trail does not hold {expected} any more: it was cut off or written anew"));
        return Ok(ExitCode::from(exit::FAILED));
    }
    Ok(ExitCode::SUCCESS)
}

fn in_words(verdict: &AuditVerdict) -> String {
    match (verdict.entries, verdict.id) {
        (Some(entries), _) => {
            format!("whole: {entries} lines, head {entries}:{}\n", verdict.head.as_deref().unwrap_or(""))
        }
        (None, id) => {
            let reason = verdict.reason.as_deref().unwrap_or("it does not fit");
            format!("broken at line {}: {reason}\n", id.unwrap_or_default())
        }
    }
}

/// Whether the line that was remembered is still what it was.
fn still_holds(client: &Client, expected: &str) -> Result<bool, CliError> {
    let Some((id, hash)) = expected.split_once(':').and_then(|(id, hash)| Some((id.parse::<i64>().ok()?, hash))) else {
        return Ok(false);
    };
    let lines = client.audit(id.saturating_sub(1), 1)?;
    Ok(lines.first().is_some_and(|line| line.id == id && line.hash == hash))
}
