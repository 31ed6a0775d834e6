//! One execution as people read it: what was asked, what happened when, what came of it.

use std::fmt::Write as _;

use attune_types::{Attempt, Execution, ExecutionEvent, Outcome};
use serde_json::Value;

use super::human_millis;

/// The whole story of an execution.
pub(crate) fn timeline(execution: &Execution, attempts: &[Attempt], events: &[ExecutionEvent]) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<11} {value}");
    };
    line("execution", &execution.id.to_string());
    line("action", &execution.action.to_string());
    line("status", execution.status.as_str());
    if let Some(outcome) = &execution.outcome {
        line("outcome", &outcome.summary());
    }
    line("parameters", &Value::Object(execution.parameters.clone()).to_string());
    if let Some(result) = &execution.result {
        line("result", &shortened(&result.to_string()));
    }
    if let Some(who) = &execution.requested_by {
        line("asked by", who);
    }
    if !execution.labels.is_empty() {
        let labels: Vec<String> = execution.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        line("labels", &labels.join(", "));
    }

    let _ = writeln!(text, "\n{}", day(execution));
    for event in events {
        let since = event.at.millis_since(execution.requested_at);
        let words = words(event, attempts);
        let _ = writeln!(text, "  {}  {:>9}  {words}", event.at.time_of_day(), format!("+{}", human_millis(since)));
    }
    if events.is_empty() {
        text.push_str("  no events\n");
    }

    for attempt in attempts {
        let _ = write!(text, "\nattempt {} on {}: {}", attempt.attempt, attempt.worker, attempt.state);
        if let Some(outcome) = &attempt.outcome {
            let _ = write!(text, ", {}", outcome.summary());
        }
        text.push('\n');
        if let Some(used) = &attempt.resources {
            let _ = writeln!(
                text,
                "  took {}, processor {}{}",
                human_millis(signed(used.wall_ms)),
                human_millis(signed(used.user_ms + used.system_ms)),
                memory(used.peak_rss_bytes)
            );
        }
        if let Some(late) = &attempt.late_outcome {
            let _ = writeln!(text, "  its worker reported later, and was not believed: {}", late.summary());
        }
    }
    if let Some(hint) = execution.outcome.as_ref().and_then(Outcome::hint) {
        let _ = writeln!(text, "\nhint: {}", hint.replace("ID", &execution.id.to_string()));
    }
    text
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Nothing when the kernel did not tell.
fn memory(bytes: u64) -> String {
    if bytes == 0 { String::new() } else { format!(", memory {} KiB", bytes / 1024) }
}

fn day(execution: &Execution) -> String {
    let text = execution.requested_at.to_string();
    format!("{} (UTC)", text.split('T').next().unwrap_or_default())
}

/// `attempt.assigned` and its details as a sentence without decoration: `assigned (attempt 1), worker dev`.
fn words(event: &ExecutionEvent, attempts: &[Attempt]) -> String {
    let mut words = event.kind.split('.').next_back().unwrap_or(&event.kind).replace('_', " ");
    if let Some(attempt) = event.attempt {
        let _ = write!(words, " (attempt {attempt})");
    }
    if let Value::Object(detail) = &event.detail {
        for (name, value) in detail.iter().filter(|(_, value)| !value.is_null()) {
            let _ = write!(words, ", {}", shortened(&spoken(name, value, event, attempts)));
        }
    }
    words
}

/// One detail in words: outcomes as everywhere else, workers by their names.
fn spoken(name: &str, value: &Value, event: &ExecutionEvent, attempts: &[Attempt]) -> String {
    let attempt = || attempts.iter().find(|attempt| Some(attempt.attempt) == event.attempt);
    if name == "outcome"
        && let Ok(outcome) = serde_json::from_value::<Outcome>(value.clone())
    {
        return outcome.summary();
    }
    if name == "worker"
        && value.is_number()
        && let Some(attempt) = attempt()
    {
        return format!("worker {}", attempt.worker);
    }
    match (name, value) {
        (_, Value::String(text)) => format!("{} {text}", name.replace('_', " ")),
        (_, other) => format!("{} {other}", name.replace('_', " ")),
    }
}

/// Keeps a line a line.
fn shortened(text: &str) -> String {
    const MOST: usize = 200;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let kept: String = text.chars().take(MOST).collect();
    format!("{kept}... ({} characters)", text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_types::Timestamp;
    use serde_json::json;

    #[test]
    fn a_failed_execution_reads_as_a_story_with_a_hint() {
        let execution: Execution = serde_json::from_value(json!({
            "id": 42, "action": "examples.fail", "status": "failed", "parameters": {"name": "Ada"},
            "outcome": {"cause": "exited", "code": 7}, "result": null, "attempts": 1,
            "requirement": {"runtime": "shell"}, "requested_at": "2026-01-31T12:00:00.000Z",
        }))
        .expect("an execution");
        let event = ExecutionEvent {
            id: 1,
            execution: execution.id,
            attempt: Some(attune_types::AttemptNumber::FIRST),
            kind: "attempt.assigned".into(),
            detail: json!({"worker": "dev"}),
            at: Timestamp(execution.requested_at.0 + 12_000),
        };
        let text = timeline(&execution, &[], &[event]);
        assert!(
            text.starts_with("execution   42\naction      examples.fail\nstatus      failed\noutcome     exit 7\n"),
            "{text}"
        );
        assert!(text.contains("2026-01-31 (UTC)\n  12:00:00     +12 ms  assigned (attempt 1), worker dev\n"), "{text}");
        assert!(text.ends_with("hint: the script's own output says why: `attune execution logs 42`\n"), "{text}");
    }
}
