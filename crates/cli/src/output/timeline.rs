//! One execution as people read it: what was asked, what happened when, what came of it.

use attune_types::{Attempt, Execution, ExecutionEvent, Outcome, TimelineEntry, Timestamp, told, words};
use serde_json::Value;

use super::wrapped::{labelled, shortened};
use super::{attempt, moment};

/// How much of parameters and results is shown, in characters.
const MOST_DATA: usize = 400;

/// The whole story of an execution, told at `now`: 80 columns, no colour.
pub(crate) fn timeline(
    execution: &Execution,
    attempts: &[Attempt],
    events: &[ExecutionEvent],
    now: Timestamp,
) -> String {
    let mut text = head(execution, now);
    let mut day = String::new();
    for line in attune_types::timeline(execution, attempts, events) {
        let moment = line.at.to_string();
        let (date, time) = moment.trim_end_matches('Z').split_once('T').unwrap_or((&moment, ""));
        if day != date {
            text.push_str(&format!("\n{date} (UTC)\n"));
            day = date.to_owned();
        }
        let since = format!("+{}", words::span(line.since_ms));
        text.push_str(&labelled(&format!("  {time}  {since:>9}  "), &story(&line, attempts.len())));
    }
    if events.is_empty() {
        text.push_str("\n  no events\n");
    }
    for one in attempts {
        text.push('\n');
        text.push_str(&attempt::attempt(one));
    }
    if let Some(hint) = execution.outcome.as_ref().and_then(|outcome| told::hint(outcome, execution.id)) {
        text.push('\n');
        text.push_str(&labelled("hint: ", &hint));
    }
    text
}

/// With one attempt alone its number says nothing.
fn story(line: &TimelineEntry, attempts: usize) -> String {
    match line.attempt {
        Some(attempt) if attempts > 1 => format!("attempt {attempt}: {}", line.text),
        _ => line.text.clone(),
    }
}

fn head(execution: &Execution, now: Timestamp) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| text.push_str(&labelled(&format!("{name:<11} "), value));
    line("execution", &execution.id.to_string());
    line("action", &execution.action.to_string());
    line("status", &status(execution, now));
    if let Some(outcome) = &execution.outcome {
        line("outcome", &outcome.summary());
        if let Outcome::Undeliverable { nearest_misses } = outcome {
            for miss in nearest_misses {
                line("", &format!("{} lacks {}", miss.worker, miss.lacks.join(" and ")));
            }
        }
    }
    line("requested", &moment(execution.requested_at, now));
    if let Some(ended) = execution.ended_at {
        line("ended", &moment(ended, now));
    }
    let parameters = Value::Object(execution.parameters.clone()).to_string();
    line("parameters", &shortened(&parameters, MOST_DATA));
    if let Some(result) = &execution.result {
        line("result", &shortened(&result.to_string(), MOST_DATA));
    }
    if let Some(who) = &execution.requested_by {
        line("asked by", who);
    }
    if !execution.labels.is_empty() {
        let labels: Vec<String> = execution.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        line("labels", &labels.join(", "));
    }
    text
}

fn status(execution: &Execution, now: Timestamp) -> String {
    let word = execution.status.as_str();
    match (execution.ended_at, execution.started_at, execution.retry_at) {
        (Some(ended), _, _) => {
            format!("{word}, {} after the request", words::span(ended.millis_since(execution.requested_at)))
        }
        (None, _, Some(retry)) if retry > now => format!("{word}, again in {}", words::span(retry.millis_since(now))),
        (None, Some(started), None) => format!("{word}, for {} now", words::span(now.millis_since(started))),
        _ => format!("{word}, for {} now", words::span(now.millis_since(execution.requested_at))),
    }
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
