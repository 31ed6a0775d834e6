//! What is left to say when an execution has ended: its result, its exit code, and what went wrong.

use std::process::ExitCode;

use attune_types::{Execution, ExecutionStatus, Outcome};

use super::watch::Watched;
use crate::error::CliError;
use crate::exit;
use crate::output::{Format, Printer, details, human_millis, remark};

/// Prints the result, or the whole execution when a format was asked for, and returns the exit code.
pub(super) fn conclude(
    name: &str,
    watched: Watched,
    printer: Option<Printer>,
    remembered: bool,
    raw: bool,
) -> Result<ExitCode, CliError> {
    let (execution, interrupted) = match watched {
        Watched::Ended { execution, interrupted } => (execution, interrupted),
        Watched::Killed(id) => {
            remark(&format!("error: {name} (execution {id}) was killed"));
            if remembered {
                remark(&format!("hint: the server is still ending it: `attune execution show {id}`"));
            }
            return Ok(ExitCode::from(exit::INTERRUPTED));
        }
    };
    match printer {
        None => {
            if let Some(result) = &execution.result {
                Printer::new(Format::Json, raw).document(result)?;
            }
        }
        Some(printer) => printer.one(execution.as_ref(), |execution| execution.id.to_string(), people)?,
    }
    complain(name, &execution, remembered);
    Ok(ExitCode::from(if interrupted { exit::INTERRUPTED } else { exit_code(&execution) }))
}

/// The exit code of an execution that has ended.
pub(crate) fn exit_code(execution: &Execution) -> u8 {
    match (&execution.outcome, execution.status) {
        (_, ExecutionStatus::Completed) => 0,
        (_, ExecutionStatus::Abandoned) => exit::UNKNOWN,
        (Some(outcome), _) => outcome.exit_code(),
        (None, ExecutionStatus::Cancelled) => exit::INTERRUPTED,
        (None, ExecutionStatus::Timeout) => 124,
        (None, _) => exit::GAVE_UP,
    }
}

fn complain(name: &str, execution: &Execution, remembered: bool) {
    if execution.status == ExecutionStatus::Completed {
        return;
    }
    let summary = execution.outcome.as_ref().map_or_else(|| execution.status.to_string(), Outcome::summary);
    if let Some(outcome) = &execution.outcome {
        details(outcome).iter().for_each(|line| remark(line));
    }
    remark(&format!("error: {name} did not complete: {summary}"));
    // Where nothing is kept, advice about looking at it later would lead nowhere.
    let hint = execution.outcome.as_ref().and_then(Outcome::hint);
    if let Some(hint) = hint.filter(|hint| remembered || !hint.contains("attune execution")) {
        remark(&format!("hint: {}", hint.replace("ID", &execution.id.to_string())));
    }
}

fn people(execution: &Execution) -> String {
    let took = match (execution.started_at, execution.ended_at) {
        (Some(start), Some(end)) => human_millis(end.millis_since(start)),
        _ => "-".to_owned(),
    };
    let outcome = execution.outcome.as_ref().map_or_else(String::new, Outcome::summary);
    let result = execution.result.as_ref().map_or_else(|| "none".to_owned(), |result| format!("{result:#}"));
    format!(
        "execution {}\naction    {}\nstatus    {}\noutcome   {outcome}\nattempts  {}\ntook      {took}\nresult    {result}\n",
        execution.id, execution.action, execution.status, execution.attempts
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_end_has_its_exit_code() {
        for (status, outcome, code) in [
            ("completed", json!({"cause": "exited", "code": 0}), 0),
            ("failed", json!({"cause": "exited", "code": 7}), 7),
            ("failed", json!({"cause": "signaled", "signal": 15}), 143),
            ("timeout", json!({"cause": "timed_out", "limit_ms": 1}), 124),
            ("cancelled", json!({"cause": "cancelled", "by": "ada"}), 130),
            ("cancelled", json!(null), 130),
            ("abandoned", json!({"cause": "worker_lost"}), 75),
            ("failed", json!({"cause": "interpreter_missing", "name": "ruby"}), 69),
        ] {
            let execution: Execution = serde_json::from_value(json!({
                "id": 1, "action": "a.b", "status": status, "parameters": {}, "outcome": outcome, "result": null,
                "attempts": 1, "requirement": {"runtime": "shell"}, "requested_at": "2026-01-31T12:00:00.000Z",
            }))
            .expect("an execution");
            assert_eq!(exit_code(&execution), code, "{status} {outcome}");
        }
    }
}
