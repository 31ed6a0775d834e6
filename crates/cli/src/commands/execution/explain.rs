//! `attune execution explain`.

use std::process::ExitCode;

use attune_types::ExecutionStatus;
use clap::Args;

use super::Which;
use crate::backend::{Client, Explanation};
use crate::error::CliError;
use crate::output::Printer;

/// Says why an execution waits, and which worker is the nearest miss
#[derive(Debug, Args)]
#[command(after_help = "Example:
  attune execution explain 42")]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
}

/// Says it.
pub(crate) fn run(client: &Client, printer: Printer, arguments: Arguments) -> Result<ExitCode, CliError> {
    let id = arguments.which.id();
    let explanation = client.explain(id)?;
    printer.one(&explanation, |_| id.to_string(), |explanation| people(&id.to_string(), explanation))?;
    Ok(ExitCode::SUCCESS)
}

fn people(id: &str, explanation: &Explanation) -> String {
    use std::fmt::Write as _;
    let requirement = &explanation.requirement;
    let mut text = format!("execution {id} is {}\n{}\n", explanation.status, explanation.summary);
    if explanation.status.parse::<ExecutionStatus>().is_ok_and(ExecutionStatus::is_terminal) {
        // Which workers would fit says nothing about what is over.
        if let Some(hint) = &explanation.hint {
            let _ = writeln!(text, "hint: {hint}");
        }
        return text;
    }
    text.push('\n');
    let version = requirement.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let labels: Vec<String> =
        requirement.labels.iter().map(|(name, value)| format!(", label {name}={value}")).collect();
    let limits: Vec<String> = requirement.limits.iter().map(|kind| format!(", {}", kind.as_a_limit())).collect();
    let sandbox = requirement.sandbox.map(|level| format!(", sandbox level {level}")).unwrap_or_default();
    let _ =
        writeln!(text, "needs      {}{version}{}{}{sandbox}", requirement.runtime, labels.concat(), limits.concat());
    let more = if explanation.ahead_is_more { " or more" } else { "" };
    let _ = writeln!(text, "ahead      {}{more}", explanation.ahead);
    for fit in &explanation.fitting {
        let _ = writeln!(text, "fits       {} ({}, {} of {} slots free)", fit.worker, fit.status, fit.free, fit.slots);
    }
    for miss in &explanation.nearest_misses {
        let _ = writeln!(text, "near miss  {} lacks {}", miss.worker, miss.lacks.join(" and "));
    }
    if explanation.fitting.is_empty() && explanation.nearest_misses.is_empty() {
        text.push_str("no workers  start one: attune-worker\n");
    }
    text
}
