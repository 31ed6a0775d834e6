//! Names of artifacts: which are refused, and why.

use std::fmt::Write as _;

/// The longest name, in bytes.
const MOST_BYTES: usize = 255;

/// The folder that Attune itself writes to: output and result of an attempt, when they are kept as files.
const OWN_FOLDER: &str = ".attune";

/// Why a name is refused. The text goes behind `artifact name '...'`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameProblem {
    /// It is absolute, or has a part that is `..`, `.` or empty.
    #[error("leaves the artifact directory")]
    Leaves,
    /// It is longer than 255 bytes.
    #[error("is longer than 255 bytes")]
    TooLong,
    /// It is not UTF-8.
    #[error("is not text in UTF-8")]
    NotText,
    /// It has control characters, or characters that reorder the text around them.
    #[error("has control characters")]
    Control,
    /// It has a backslash, which is a separator elsewhere.
    #[error("has a backslash")]
    Backslash,
    /// A part of it begins with `-`, which programs take for an option.
    #[error("has a part that begins with '-'")]
    LeadingDash,
    /// A part of it ends with a dot or a space, which Windows drops.
    #[error("has a part that ends with a dot or a space")]
    TrailingDot,
    /// A part of it is the name of a device on Windows.
    #[error("is a device on Windows")]
    Device,
    /// It is in the folder that Attune writes to.
    #[error("is in the folder '.attune', which is not the action's")]
    Reserved,
}

/// Whether a name of an artifact, with `/` between its parts, is safe wherever it may be stored or downloaded to.
///
/// # Errors
/// Why it is not.
pub fn check_name(name: &str) -> Result<(), NameProblem> {
    if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(NameProblem::Leaves);
    }
    if name.len() > MOST_BYTES {
        return Err(NameProblem::TooLong);
    }
    if name.chars().any(is_unsafe) {
        return Err(NameProblem::Control);
    }
    if name.contains('\\') {
        return Err(NameProblem::Backslash);
    }
    for part in name.split('/') {
        if part.starts_with('-') {
            return Err(NameProblem::LeadingDash);
        }
        if part.ends_with(['.', ' ']) {
            return Err(NameProblem::TrailingDot);
        }
        if is_device(part) {
            return Err(NameProblem::Device);
        }
    }
    if name.split('/').next().is_some_and(|first| first.eq_ignore_ascii_case(OWN_FOLDER)) {
        return Err(NameProblem::Reserved);
    }
    Ok(())
}

/// Control characters, and the ones that reorder the text around them.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `CON`, `com1.txt` and the like: Windows opens a device whatever the extension.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" => true,
        _ => {
            let number = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
            number.is_some_and(|number| matches!(number, "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9"))
        }
    }
}

/// A name as it may stand in a line of a log: quoted, escaped, and cut when it is long.
#[must_use]
pub fn quoted(name: &str) -> String {
    const MOST_CHARACTERS: usize = 100;
    let mut text = String::from("'");
    for character in name.chars().take(MOST_CHARACTERS) {
        if is_unsafe(character) {
            let _ = write!(text, "{}", character.escape_default());
        } else {
            text.push(character);
        }
    }
    text.push_str(if name.chars().nth(MOST_CHARACTERS).is_some() { "...'" } else { "'" });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attacks_are_refused_by_reason_and_ordinary_names_pass() {
        use NameProblem::{Backslash, Control, Device, LeadingDash, Leaves, Reserved, TooLong, TrailingDot};
        let long = "x".repeat(256);
        for (name, problem) in [
            ("../x", Leaves),
            ("/etc/x", Leaves),
            ("a/../../x", Leaves),
            ("a//b", Leaves),
            ("", Leaves),
            (".", Leaves),
            ("a/", Leaves),
            ("x\0y", Control),
            ("x\ny", Control),
            ("x\u{1b}[2J", Control),
            ("x\u{202e}txt.exe", Control),
            (&long, TooLong),
            ("CON", Device),
            ("com1.txt", Device),
            ("a/NUL.tar.gz", Device),
            ("-rf", LeadingDash),
            ("a/-x", LeadingDash),
            ("x.", TrailingDot),
            ("a./x", TrailingDot),
            ("x ", TrailingDot),
            ("a\\b", Backslash),
            (".attune/stdout", Reserved),
        ] {
            assert_eq!(check_name(name), Err(problem), "{name:?}");
        }
        for name in ["report.txt", "a/b/c.json", "...x", ".hidden", "a-b", "caf\u{e9}", "com10", "console.log", "12:30"]
        {
            assert_eq!(check_name(name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn a_quoted_name_is_one_short_safe_line() {
        assert_eq!(quoted("a\nb\u{1b}"), "'a\\nb\\u{1b}'");
        assert_eq!(quoted(&"x".repeat(300)).len(), 105);
    }
}
