//! What a version command said.

use regex::{Regex, RegexBuilder};

/// The largest pattern, compiled.
const PATTERN_BYTES: usize = 64 << 10;

/// The pattern that a definition gives. What it finds takes time in proportion to the text, whatever it is.
pub(crate) fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).build()
}

/// The version in what a version command printed, or `None`. With a pattern, its first group; without, the first
/// dotted number. Whatever an interpreter prints, the result is at most 64 characters of digits, letters and `.+-_`.
pub(crate) fn version_in(printed: &str, pattern: Option<&Regex>) -> Option<String> {
    let found = match pattern {
        Some(pattern) => {
            let captures = pattern.captures(printed)?;
            captures.get(1).or_else(|| captures.get(0))?.as_str()
        }
        None => first_dotted_number(printed)?,
    };
    let is_plain = |character: &char| character.is_ascii_alphanumeric() || ".+-_".contains(*character);
    let version: String = found.chars().take_while(is_plain).take(64).collect();
    version.starts_with(|character: char| character.is_ascii_digit()).then_some(version)
}

fn first_dotted_number(text: &str) -> Option<&str> {
    text.split(|character: char| !character.is_ascii_digit() && character != '.')
        .map(|part| part.trim_matches('.'))
        .find(|part| part.contains('.') && !part.contains(".."))
}

/// One line of what a program printed, fit to be shown: no control characters, at most 120 characters.
pub(crate) fn first_line(printed: &[u8]) -> String {
    let text = String::from_utf8_lossy(printed);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().map(|character| if character.is_control() { '?' } else { character }).take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_real_programs_print() {
        for (printed, pattern, expected) in [
            ("GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)", None, Some("5.2.15")),
            ("Python 3.12.1\n", Some(r"Python (\d+\.\d+(?:\.\d+)?)"), Some("3.12.1")),
            ("Python 3.13.0rc1+", Some(r"Python (\d+\.\d+(?:\.\d+)?)"), Some("3.13.0")),
            ("v20.11.1\n", Some(r"v(\d+\.\d+\.\d+)"), Some("20.11.1")),
            ("openjdk version \"21\" 2023-09-19", Some(r#"version "(\d+(?:\.\d+)*)"#), Some("21")),
            ("go version go1.22.1 linux/amd64", Some(r"go(\d+\.\d+(?:\.\d+)?)"), Some("1.22.1")),
            ("BusyBox v1.36.1 (2023-11-07)", None, Some("1.36.1")),
            ("no number here", None, None),
            ("version 7", None, None),
            ("1..2", None, None),
            ("\u{1b}[31mPython 3.11.2\u{1b}[0m", Some(r"Python (\d+\.\d+(?:\.\d+)?)"), Some("3.11.2")),
            ("\u{1b}[31m", Some(r"(.*)"), None),
        ] {
            let pattern = pattern.map(|text| Regex::new(text).expect("compiles"));
            assert_eq!(version_in(printed, pattern.as_ref()).as_deref(), expected, "{printed:?}");
        }
    }

    #[test]
    fn nothing_that_is_shown_can_move_the_cursor() {
        let shown = first_line(b"\n\x1b[2Jhello\x07 \xff world\nsecond");
        assert_eq!(shown, "?[2Jhello? \u{fffd} world");
        assert_eq!(first_line(&[b'x'; 10_000]).len(), 120);
    }
}
