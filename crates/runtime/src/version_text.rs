//! What a version command said.

use regex::{Regex, RegexBuilder};

/// How large a pattern may be, compiled, and how much of the text it is then shown, in bytes. What a search costs is one times
/// the other, whatever the pattern is: a few milliseconds.
const SIZES: [(usize, usize); 4] = [(8 << 10, 4 << 10), (16 << 10, 2 << 10), (32 << 10, 1 << 10), (64 << 10, 512)];

/// What finds a version in a text.
#[derive(Debug, Clone)]
pub(crate) struct VersionPattern {
    regex: Regex,
    looks_at: usize,
}

/// The pattern that a definition gives.
pub(crate) fn compile(pattern: &str) -> Result<VersionPattern, regex::Error> {
    let [smallest, larger @ ..] = SIZES;
    let sized = |(size, looks_at): (usize, usize)| {
        RegexBuilder::new(pattern).size_limit(size).build().map(|regex| VersionPattern { regex, looks_at })
    };
    larger.into_iter().fold(sized(smallest), |compiled, next| compiled.or_else(|_| sized(next)))
}

/// The version in what a version command printed, or `None`. With a pattern, its first group; without, the first
/// dotted number. Whatever an interpreter prints, the result is at most 64 characters of digits, letters and `.+-_`.
pub(crate) fn version_in(printed: &str, pattern: Option<&VersionPattern>) -> Option<String> {
    let found = match pattern {
        Some(VersionPattern { regex, looks_at }) => {
            let captures = regex.captures(&printed[..printed.floor_char_boundary(*looks_at)])?;
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
            let pattern = pattern.map(|text| compile(text).expect("compiles"));
            assert_eq!(version_in(printed, pattern.as_ref()).as_deref(), expected, "{printed:?}");
        }
    }

    #[test]
    fn the_larger_a_pattern_is_the_less_it_looks_at() {
        let looks_at = |text: &str| compile(text).map(|pattern| pattern.looks_at).ok();
        assert_eq!(looks_at("v([0-9]+)"), Some(4096));
        assert!(looks_at("(a*a{1000})") <= Some(1024));
        assert_eq!(looks_at("(a{1000}{1000})"), None);
        let far = format!("{}1.2", " ".repeat(4000));
        let compiled = compile("([0-9.]+)").expect("compiles");
        assert_eq!(version_in(&far, Some(&compiled)).as_deref(), Some("1.2"));
    }

    #[test]
    fn nothing_that_is_shown_can_move_the_cursor() {
        let shown = first_line(b"\n\x1b[2Jhello\x07 \xff world\nsecond");
        assert_eq!(shown, "?[2Jhello? \u{fffd} world");
        assert_eq!(first_line(&[b'x'; 10_000]).len(), 120);
    }
}
