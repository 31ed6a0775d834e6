//! `attune execution list`.

use std::process::ExitCode;

use attune_types::{Execution, ExecutionStatus, Timestamp};
use clap::Args;

use crate::backend::Client;
use crate::error::CliError;
use crate::output::{Format, Printer, ago, human_millis, remark};

/// Lists executions, newest first
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune execution list
  attune execution list --status failed --status timeout
  attune execution list --action examples.hello --limit 10 -o json")]
pub(crate) struct Arguments {
    /// Only executions in this state; may be given several times
    #[arg(long, value_name = "STATUS")]
    status: Vec<ExecutionStatus>,
    /// Only this action (pack.action) or this pack
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only executions older than this one: the next page
    #[arg(long, value_name = "ID")]
    before: Option<i64>,
    /// At most so many (1 to 1000)
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// Lists them.
pub(crate) fn run(client: &Client, printer: Printer, arguments: Arguments) -> Result<ExitCode, CliError> {
    let statuses: Vec<&str> = arguments.status.iter().map(|status| status.as_str()).collect();
    let page = client.executions(&statuses, arguments.action.as_deref(), arguments.before, arguments.limit)?;
    let now = Timestamp(attune_process::clock::wall());
    printer.list(
        &page.executions,
        |execution| execution.id.to_string(),
        &["id", "action", "status", "outcome", "worker", "requested", "took"],
        |execution| row(execution, now),
    )?;
    if let (Format::Table, Some(next)) = (printer.format(), page.next) {
        remark(&format!("older ones: attune execution list --before {next}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(execution: &Execution, now: Timestamp) -> Vec<String> {
    let took = execution.started_at.map(|start| execution.ended_at.unwrap_or(now).millis_since(start));
    vec![
        execution.id.to_string(),
        execution.action.to_string(),
        execution.status.to_string(),
        execution.outcome.as_ref().map(attune_types::Outcome::summary).unwrap_or_default(),
        execution.worker.clone().unwrap_or_default(),
        ago(now, execution.requested_at),
        took.map(human_millis).unwrap_or_default(),
    ]
}
