//! Reads one YAML file, with line and column in every complaint.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::PackProblem;
use crate::positions::Positions;
use crate::rules::Breach;
use crate::suggestion::nearest;

/// The most bytes of one declaration. Aliases and nesting are bounded by the parser's own budget.
pub(crate) const MOST_BYTES: u64 = 256 * 1024;

/// Reads and parses `path`; `check` answers with the rules that it breaks, as (field, message).
pub(crate) fn read<T: DeserializeOwned>(
    path: &Path,
    pack: &Path,
    check: impl FnOnce(&T) -> Vec<Breach>,
) -> Result<(T, Vec<PackProblem>), PackProblem> {
    let unreadable =
        |error: std::io::Error| PackProblem::Unreadable { path: path.to_path_buf(), reason: error.to_string() };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    // A pipe or a device could keep the reader for ever.
    if !metadata.is_file() {
        return Err(PackProblem::Unreadable { path: path.to_path_buf(), reason: "is not a file".to_owned() });
    }
    let bytes = metadata.len();
    if bytes > MOST_BYTES {
        return Err(PackProblem::TooLarge { path: path.to_path_buf(), bytes, most: MOST_BYTES });
    }
    if !fs::canonicalize(path).map_err(unreadable)?.starts_with(pack) {
        let reason = "is a link that leaves the pack".to_owned();
        return Err(PackProblem::Unreadable { path: path.to_path_buf(), reason });
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let document = parse(path, &text)?;
    let breaches = check(&document);
    if breaches.is_empty() {
        return Ok((document, Vec::new()));
    }
    let positions = Positions::of(&text);
    let placed = |Breach { field, message }: Breach| {
        let (line, column) = positions.find(&field);
        PackProblem::Rule { path: path.to_path_buf(), line, column, field, message }
    };
    Ok((document, breaches.into_iter().map(placed).collect()))
}

/// Parses the YAML in `text` as it stands in `path`, strictly and within bounds.
///
/// # Errors
/// [`PackProblem::Document`] with line, column and, for an unknown key, the one that was probably meant.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, PackProblem> {
    serde_saphyr::from_str(text).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |location| (location.line(), location.column()));
        let plain = error.without_snippet().to_string();
        let message = plain.rsplit_once(" at line ").map_or(plain.as_str(), |(message, _)| message);
        PackProblem::Document { path: path.to_path_buf(), line, column, message: with_suggestion(message) }
    })
}

/// ``unknown field `x`, expected one of a, b`` -> ``unknown key `x`; did you mean `y`?``
fn with_suggestion(message: &str) -> String {
    let parts = message
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once('`'))
        .and_then(|(word, rest)| rest.split_once("expected ").map(|(_, known)| (word, known)));
    let Some((word, known)) = parts else { return message.to_owned() };
    let known: Vec<&str> = known
        .trim_start_matches("one of ")
        .split(", ")
        .flat_map(|part| part.split(" or "))
        .map(|name| name.trim_matches('`'))
        .collect();
    match nearest(word, &known) {
        Some(near) => format!("unknown key `{word}`; did you mean `{near}`?"),
        None => format!("unknown key `{word}`; known keys: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_types::{ActionSpec, PackSpec};

    fn complaint<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
        parse::<T>(Path::new("a.yaml"), text).expect_err("refused").to_string()
    }

    #[test]
    fn complaints_have_line_column_and_a_suggestion() {
        let action = "ref: demo.x\nrunner_type: shell\nentrypoint: x.sh\n";
        assert_eq!(
            complaint::<ActionSpec>(action),
            "a.yaml:3:1: unknown key `entrypoint`; did you mean `entry_point`?"
        );
        assert_eq!(complaint::<PackSpec>("ref: demo\n"), "a.yaml:1:1: missing field `version`");
        assert!(complaint::<PackSpec>("ref: a\nref: b\n").starts_with("a.yaml:2:1: duplicate"), "duplicate keys");
        assert!(complaint::<PackSpec>("ref: [\n").starts_with("a.yaml:"), "broken YAML");
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}", level - 1);
            text.push_str(&format!("a{level}: &a{level} [{}]\n", [before.as_str(); 10].join(",")));
        }
        assert!(parse::<serde_json::Value>(Path::new("bomb.yaml"), &text).is_err());
        let deep = format!("{}x{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse::<serde_json::Value>(Path::new("deep.yaml"), &deep).is_err());
    }
}
