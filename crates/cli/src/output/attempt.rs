//! One attempt as people read it: how it ended, what it used, and how well it was held.

use std::fmt::Write as _;

use attune_types::timeline::{leak_words, output_words, survivor_words};
use attune_types::{Attempt, Evidence, LimitEvidence, Outcome, Resources, words};

use super::wrapped::{labelled, shortened};

/// The most lines of a tool's log that are shown.
const MOST_LOG_LINES: usize = 20;

/// The attempt, one fact a line.
pub(super) fn attempt(attempt: &Attempt) -> String {
    let state = attempt.state.as_str().replace('_', " ");
    let mut text = labelled("", &format!("attempt {} on {}: {state}", attempt.attempt, attempt.worker));
    let mut line = |name: &str, value: &str| text.push_str(&labelled(&format!("  {name:<10} "), value));
    if let Some(outcome) = &attempt.outcome {
        line("outcome", &outcome.summary());
        details(outcome).iter().for_each(|detail| line("", detail));
    }
    if let Some(reason) = &attempt.reason {
        line("reason", reason);
    }
    if let Some(used) = &attempt.resources {
        line("took", &used_words(used));
    }
    let nothing = Evidence::default();
    let evidence = attempt.evidence.as_ref().unwrap_or(&nothing);
    if let Some(sandbox) = &evidence.sandbox {
        let way = sandbox.kill_way.as_deref().map(|way| format!(", tree held by {way}")).unwrap_or_default();
        line("sandbox", &format!("level {} of 3{way}", sandbox.level));
        sandbox.missing.iter().for_each(|missing| line("", &format!("missing: {missing}")));
    }
    for (index, limit) in evidence.limits.iter().enumerate() {
        line(if index == 0 { "limits" } else { "" }, &limit_words(limit));
    }
    if let Some(output) = &evidence.output {
        line("output", output_words(output).trim_start_matches("output: "));
    }
    if !evidence.survivors.is_empty() {
        line("left over", &survivor_words(evidence));
    }
    if evidence.artifacts > 0 {
        line("artifacts", &words::count(evidence.artifacts, "file"));
    }
    for (index, leak) in leak_words(evidence).iter().enumerate() {
        line(if index == 0 { "leaks" } else { "" }, leak);
    }
    if let Some(late) = &attempt.late_outcome {
        line("late", &format!("its worker reported later, and was not believed: {}", late.summary()));
    }
    text
}

/// The evidence that a summary leaves out.
pub(crate) fn details(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::EnvironmentFailed { log, .. } => {
            let lines: Vec<&str> = log.lines().collect();
            let first = lines.len().saturating_sub(MOST_LOG_LINES);
            lines[first..].iter().map(|line| format!("| {}", shortened(line, 200))).collect()
        }
        Outcome::Undeliverable { nearest_misses } => {
            nearest_misses.iter().map(|miss| format!("{} lacks {}", miss.worker, miss.lacks.join(" and "))).collect()
        }
        _ => Vec::new(),
    }
}

fn used_words(used: &Resources) -> String {
    let span = |millis: u64| words::span(i64::try_from(millis).unwrap_or(i64::MAX));
    let mut text = format!(
        "{}, processor {} (user {}, system {})",
        span(used.wall_ms),
        span(used.user_ms.saturating_add(used.system_ms)),
        span(used.user_ms),
        span(used.system_ms)
    );
    // Of the whole tree where that was counted, else of its largest process; nothing when the kernel did not tell.
    if let Some(peak) = used.peak_memory_bytes {
        let _ = write!(text, ", peak memory {} (all processes)", words::size(peak));
    } else if used.peak_rss_bytes > 0 {
        let _ = write!(text, ", peak memory {} (its largest process)", words::size(used.peak_rss_bytes));
    }
    text
}

fn limit_words(limit: &LimitEvidence) -> String {
    let asked = match limit.limit.as_str() {
        "memory" | "file_size" => words::size(limit.asked),
        "cpu" => format!("{} s", limit.asked),
        _ => limit.asked.to_string(),
    };
    let name = limit.limit.replace('_', " ");
    match (limit.by.as_str(), &limit.why) {
        ("nothing", Some(why)) => format!("{name} {asked}, not enforced: {why}"),
        ("nothing", None) => format!("{name} {asked}, not enforced"),
        (by, Some(why)) => format!("{name} {asked} by {by} ({why})"),
        (by, None) => format!("{name} {asked} by {by}"),
    }
}
