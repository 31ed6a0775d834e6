//! Spans of time as people write and read them.

use std::time::Duration;

use attune_types::Timestamp;

/// Reads `2s`, `500ms`, `1m30s`, `1h`, `1.5s`; a bare number counts seconds.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let refused = || format!("{text:?} is not a time span like 2s, 500ms or 1m30s");
    let trimmed = text.trim();
    if let Ok(seconds) = trimmed.parse::<f64>() {
        return positive(seconds).ok_or_else(refused);
    }
    let mut rest = trimmed;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits =
            rest.find(|character: char| !character.is_ascii_digit() && character != '.').ok_or_else(refused)?;
        let number: f64 = rest[..digits].parse().map_err(|_| refused())?;
        rest = &rest[digits..];
        let end = rest.find(|character: char| character.is_ascii_digit()).unwrap_or(rest.len());
        total += number
            * match rest[..end].trim() {
                "ms" => 0.001,
                "s" => 1.0,
                "m" | "min" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return Err(refused()),
            };
        rest = &rest[end..];
    }
    positive(total).ok_or_else(refused)
}

fn positive(seconds: f64) -> Option<Duration> {
    (seconds > 0.0 && seconds < 1e9).then(|| Duration::from_secs_f64(seconds))
}

/// How long ago `then` was, in one unit: `8s ago`.
pub(crate) fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = (now.millis_since(then) / 1000).max(0);
    match seconds {
        ..120 => format!("{seconds}s ago"),
        120..7200 => format!("{}m ago", seconds / 60),
        7200..172_800 => format!("{}h ago", seconds / 3600),
        _ => format!("{}d ago", seconds / 86_400),
    }
}

/// `2026-01-31 12:00:00.000 UTC, 8s ago`.
pub(crate) fn moment(at: Timestamp, now: Timestamp) -> String {
    format!("{} UTC, {}", at.to_string().replace('T', " ").trim_end_matches('Z'), ago(now, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, millis) in [
            ("2s", 2000),
            ("500ms", 500),
            ("1m30s", 90_000),
            ("1h", 3_600_000),
            ("1.5s", 1500),
            ("3", 3000),
            ("0.25", 250),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "2x", "-1", "0", "1m-2s", "1e12", "..s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_past_is_told_in_one_unit() {
        assert_eq!(ago(Timestamp(200_000_000), Timestamp(192_000_000)), "8s ago");
    }
}
