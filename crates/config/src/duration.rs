//! Durations as people write them: a number of seconds, or `250ms`, `5s`, `2m`, `1h`, `1d`, `1m30s`.

use std::time::Duration;

const UNITS: [(&str, f64); 5] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];

/// Reads a duration; `None` when the text is none or is longer than a hundred years.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if let Some(seconds) = number(rest) {
        return from_seconds(seconds);
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let amount = number(&rest[..digits])?;
        let after = rest[digits..].trim_start();
        let letters = after.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(after.len());
        let (_, factor) = UNITS.iter().find(|(unit, _)| *unit == &after[..letters])?;
        seconds += amount * factor;
        rest = after[letters..].trim_start();
    }
    if text.trim().is_empty() { None } else { from_seconds(seconds) }
}

fn number(text: &str) -> Option<f64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if plain { text.parse().ok() } else { None }
}

fn from_seconds(seconds: f64) -> Option<Duration> {
    const HUNDRED_YEARS: f64 = 100.0 * 365.0 * 86_400.0;
    // Rounded to milliseconds, because that is what the store and the protocol count in.
    (seconds <= HUNDRED_YEARS).then(|| Duration::from_millis((seconds * 1000.0).round() as u64))
}

/// The shortest text that reads back as `duration`.
pub(crate) fn show(duration: Duration) -> String {
    let millis = duration.as_millis();
    for (unit, factor) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
        if millis > 0 && millis.is_multiple_of(factor) {
            return format!("{}{unit}", millis / factor);
        }
    }
    if millis == 0 { "0s".to_owned() } else { format!("{millis}ms") }
}

/// How the checked tree carries durations to the sections: whole milliseconds.
pub(crate) mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, millis, shown) in [
            ("5", 5_000, "5s"),
            ("0.25", 250, "250ms"),
            ("5s", 5_000, "5s"),
            ("250ms", 250, "250ms"),
            ("2m", 120_000, "2m"),
            ("1m30s", 90_000, "90s"),
            ("1m 30 s", 90_000, "90s"),
            ("1.5h", 5_400_000, "90m"),
            ("1d", 86_400_000, "1d"),
            ("0", 0, "0s"),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
            assert_eq!(show(Duration::from_millis(millis)), shown);
            assert_eq!(parse(shown), Some(Duration::from_millis(millis)));
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "soon", "5x", "s", "-5", "5s5", "1e9", "99999999999d", "5 5", ".", "1..2s", "inf", "NaN"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
