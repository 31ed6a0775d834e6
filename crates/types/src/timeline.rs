//! An execution as a dated story: what the store noted and what the workers saw, in one order and in the same words in
//! the API and on the command line.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::evidence::{Evidence, OutputEvidence};
use crate::execution::{Attempt, Execution, ExecutionEvent, LogStream};
use crate::id::AttemptNumber;
use crate::outcome::Outcome;
use crate::timestamp::Timestamp;
use crate::words;

/// One line of the story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// Milliseconds since the request.
    pub since_ms: i64,
    /// Which try, when it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptNumber>,
    /// A dotted word: the kind of the event, or `attempt.environment_ready`, `attempt.started`, `attempt.ended`,
    /// `attempt.output`, `attempt.survivors` for what a worker saw.
    pub kind: String,
    /// The same for people.
    pub text: String,
}

/// Where a line goes among others of the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    BeforeStart,
    Start,
    Seen,
    End,
}

/// The story of an execution, oldest first. Lines that a worker saw are placed by their distance from moments that the
/// database noted, so a worker whose clock is wrong does not put them out of order.
#[must_use]
pub fn timeline(execution: &Execution, attempts: &[Attempt], events: &[ExecutionEvent]) -> Vec<TimelineEntry> {
    let line = |at: Timestamp, attempt, kind: &str, text| TimelineEntry {
        at,
        since_ms: at.millis_since(execution.requested_at),
        attempt,
        kind: kind.to_owned(),
        text,
    };
    let mut lines = Vec::with_capacity(events.len() + 4 * attempts.len());
    for event in events.iter().filter(|event| !is_told_by_worker(event, attempts)) {
        let rank = if says_end(&event.kind) { Rank::End } else { Rank::Start };
        let mut text = event_words(event, attempts);
        if event.kind == "execution.requested"
            && event.attempt.is_none()
            && let Some(who) = &execution.requested_by
        {
            let _ = write!(text, " by {who}");
        }
        if event.kind == "execution.completed"
            && let Some(result) = &execution.result
        {
            let _ = write!(text, "; result of {} stored", words::size(result.to_string().len() as u64));
        }
        lines.push((rank, line(event.at, event.attempt, &event.kind, text)));
    }
    for attempt in attempts {
        for (rank, at, kind, text) in seen(attempt, events) {
            lines.push((rank, line(at, Some(attempt.attempt), kind, text)));
        }
    }
    lines.sort_by_key(|(rank, line)| (line.at, *rank));
    lines.into_iter().map(|(_, line)| line).collect()
}

/// What the worker of an attempt saw.
fn seen(attempt: &Attempt, events: &[ExecutionEvent]) -> Vec<(Rank, Timestamp, &'static str, String)> {
    let Some(evidence) = &attempt.evidence else { return Vec::new() };
    let noted = |kind: &str| {
        events.iter().find(|event| event.attempt == Some(attempt.attempt) && event.kind == kind).map(|event| event.at)
    };
    let ended = events
        .iter()
        .find(|event| event.attempt == Some(attempt.attempt) && says_end(&event.kind))
        .map(|event| event.at);
    let start = noted("execution.running").or(attempt.started_at);
    let is_held = attempt.claimed_at < attempt.started_at || attempt.started_at.is_none();
    let claim = if is_held { noted("attempt.claimed").or(attempt.claimed_at) } else { start };
    let end = ended.or(attempt.ended_at);
    let after = |from: Timestamp, millis: u64, until: Option<Timestamp>| {
        let at = Timestamp(from.0.saturating_add(i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(1000)));
        until.map_or(at, |until| at.min(until))
    };

    let mut lines = Vec::new();
    if let (Some(claim), Some(took)) = (claim, evidence.environment_ms) {
        let (rank, until) = if is_held { (Rank::BeforeStart, start.or(end)) } else { (Rank::Seen, end) };
        let text = format!("environment ready after {}", words::span(signed(took)));
        if !matches!(attempt.outcome, Some(Outcome::EnvironmentFailed { .. })) {
            lines.push((rank, after(claim, took, until), "attempt.environment_ready", text));
        }
    }
    let (Some(start), Some(pid)) = (start, evidence.pid) else { return lines };
    let began = after(start, evidence.start_ms.unwrap_or(0), end);
    let mut text = format!("started, pid {pid}");
    if let Some(sandbox) = &evidence.sandbox {
        let _ = write!(text, ", sandbox level {}", sandbox.level);
    }
    lines.push((Rank::Seen, began, "attempt.started", text));
    let Some(wall) = attempt.resources.map(|used| used.wall_ms) else { return lines };
    let over = after(began, wall, end);
    if let Some(outcome) = &attempt.outcome {
        let text = format!("{}, {} after its start", outcome.summary(), words::span(signed(wall)));
        lines.push((Rank::Seen, over, "attempt.ended", text));
    }
    if let Some(output) = evidence.output.as_ref().filter(|output| output.stdout_bytes + output.stderr_bytes > 0) {
        lines.push((Rank::Seen, over, "attempt.output", output_words(output)));
    }
    if !evidence.survivors.is_empty() {
        lines.push((Rank::Seen, over, "attempt.survivors", survivor_words(evidence)));
    }
    lines
}

/// Whether a line of the worker says what this event would repeat.
fn is_told_by_worker(event: &ExecutionEvent, attempts: &[Attempt]) -> bool {
    event.kind.starts_with("attempt.") && says_end(&event.kind) && is_seen_to_the_end(event, attempts)
}

fn is_seen_to_the_end(event: &ExecutionEvent, attempts: &[Attempt]) -> bool {
    of(event, attempts).is_some_and(|attempt| {
        attempt.evidence.as_ref().is_some_and(|evidence| evidence.pid.is_some())
            && attempt.resources.is_some()
            && attempt.outcome.is_some()
    })
}

fn of<'a>(event: &ExecutionEvent, attempts: &'a [Attempt]) -> Option<&'a Attempt> {
    attempts.iter().find(|attempt| Some(attempt.attempt) == event.attempt)
}

fn says_end(kind: &str) -> bool {
    matches!(
        kind,
        "execution.completed"
            | "execution.failed"
            | "execution.timeout"
            | "execution.cancelled"
            | "execution.abandoned"
            | "execution.retrying"
            | "attempt.failed"
            | "attempt.timed_out"
            | "attempt.cancelled"
            | "attempt.interrupted"
            | "attempt.lost"
    )
}

/// One event in words. `attempts` give the workers their names.
#[must_use]
pub fn event_words(event: &ExecutionEvent, attempts: &[Attempt]) -> String {
    let attempt = of(event, attempts);
    let detail = |name: &str| event.detail.get(name).and_then(Value::as_str);
    let outcome = event.detail.get("outcome").and_then(|value| Outcome::deserialize(value).ok());
    let reason = |words: &str| detail("reason").map_or_else(|| words.to_owned(), |why| format!("{words}: {why}"));
    match event.kind.as_str() {
        "execution.requested" if event.attempt.is_some() => "waits for a worker again".to_owned(),
        "execution.requested" => "requested".to_owned(),
        "execution.scheduled" => match attempt.map(|attempt| attempt.worker.as_str()).filter(|name| !name.is_empty()) {
            Some(worker) => format!("scheduled to {worker}"),
            None => "scheduled".to_owned(),
        },
        "attempt.claimed" => "claimed; its environment is being made ready".to_owned(),
        "execution.running" if attempt.is_some_and(|attempt| attempt.claimed_at < attempt.started_at) => {
            "allowed to start".to_owned()
        }
        "execution.running" => "claimed and allowed to start".to_owned(),
        "execution.canceling" => format!("cancel asked for by {}", detail("by").unwrap_or("somebody")),
        "execution.retrying" => match event.detail.get("available_at_us").and_then(Value::as_i64).map(Timestamp) {
            Some(again) => format!("is tried again in {}", words::span(again.millis_since(event.at))),
            None => "is tried again".to_owned(),
        },
        "attempt.handed_back" => reason("handed back"),
        "attempt.superseded" => reason("taken away"),
        "attempt.rejected" => reason("refused"),
        kind => {
            let word = kind.split('.').next_back().unwrap_or(kind).replace('_', " ");
            match (outcome, detail("by")) {
                // What the worker saw stands one line above.
                (Some(_), _) if kind.starts_with("execution.") && is_seen_to_the_end(event, attempts) => word,
                (Some(outcome), _) => format!("{word}: {}", outcome.summary()),
                (None, Some(by)) => format!("{word} by {by}"),
                (None, None) => reason(&word),
            }
        }
    }
}

/// How much was written, and what of it was left out.
#[must_use]
pub fn output_words(output: &OutputEvidence) -> String {
    let mut text = format!(
        "output: {} on stdout, {} on stderr",
        words::size(output.stdout_bytes),
        words::size(output.stderr_bytes)
    );
    for gap in &output.gaps {
        let stream = if gap.stream == LogStream::Stderr { "stderr" } else { "stdout" };
        let missing = gap.to.saturating_sub(gap.from);
        let _ = write!(text, "; {missing} bytes of {stream} left out (from byte {} to {})", gap.from, gap.to);
    }
    if output.closed_early {
        text.push_str("; closed early: a background process still held it");
    }
    text
}

/// Which processes were left behind.
#[must_use]
pub fn survivor_words(evidence: &Evidence) -> String {
    let names: Vec<String> =
        evidence.survivors.iter().map(|survivor| format!("{} ({})", survivor.name, survivor.pid)).collect();
    let all = names.len() as u64 + evidence.more_survivors;
    let more = if evidence.more_survivors == 0 { String::new() } else { format!(", {} more", evidence.more_survivors) };
    format!("{} killed that it left behind: {}{more}", words::count(all, "process"), names.join(", "))
}

/// Where which secret was written, one line each.
#[must_use]
pub fn leak_words(evidence: &Evidence) -> Vec<String> {
    let words = |leak: &crate::LeakEvidence| {
        let line = leak.line.map(|line| format!(", first in line {line}")).unwrap_or_default();
        let form = if leak.encoding == "raw" { String::new() } else { format!(" as {}", leak.encoding) };
        let kept = if leak.place == "artifact" { "kept as it is in" } else { "masked in" };
        format!("secret {} {kept} {} {}{form}{line}", leak.secret, leak.place, words::count(leak.times, "time"))
    };
    evidence.leaks.iter().map(words).collect()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
