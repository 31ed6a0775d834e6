//! The corpus of configuration files marks its credentials; a change may carry a mark to where none would be.
//!
//! A mark is a credential only where the document says so in one of few plain ways, and a document with any other mark is
//! judged no further. The other way round, a list of places where a mark is none, never came to an end: the name of a
//! host, of a user, of a key, a label, a part of a text of two lines.

use std::sync::LazyLock;

use attune_pack::read_yaml;
use regex::Regex;
use serde_json::Value;

/// Stands in every credential of the corpus.
pub(super) const MARK: &str = "CR3D";

/// A password in the place of a URL for it, or where the host was forgotten; a word in the place of a URL or of a token.
static VALUE: LazyLock<Regex> = LazyLock::new(|| {
    let place = "(@[a-z0-9.]+(:[0-9]+)?(/[a-z0-9]*)?)?";
    Regex::new(&format!("^([a-z]+://[A-Za-z0-9(]+:)?[A-Za-z0-9_-]*{MARK}[A-Za-z0-9_-]*{place}$")).expect("a pattern")
});

/// A line that is a name and such a value. Decides for what is not YAML, where only lines are left.
static LINE: LazyLock<Regex> = LazyLock::new(|| Regex::new("^ *(url|api_token): ([^ ]+)$").expect("a pattern"));

/// Whether every mark in `text`, and one at least, is a credential.
pub(super) fn are_credentials(text: &str) -> bool {
    text.contains(MARK)
        && match read_yaml(text) {
            Ok(document) => is_value(&document, ""),
            Err(_) => text.lines().filter(|line| line.contains(MARK)).all(is_line),
        }
}

fn is_line(line: &str) -> bool {
    LINE.captures(line).is_some_and(|found| VALUE.is_match(&found[2]))
}

/// Whether all marks below `key` are credentials. Labels are words for everybody, whatever they are called.
fn is_value(value: &Value, key: &str) -> bool {
    match value {
        Value::String(text) => !text.contains(MARK) || (matches!(key, "url" | "api_token") && VALUE.is_match(text)),
        Value::Array(values) => values.iter().all(|value| is_value(value, "")),
        Value::Object(members) => members.iter().all(|(name, value)| {
            !name.contains(MARK) && is_value(value, name) && (name != "labels" || !value.to_string().contains(MARK))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_a_credential_where_the_document_says_so_plainly() {
        for (text, expected) in [
            ("database:\n  url: postgres://attune:CR3Dwords@db/attune\n", true),
            ("database:\n  url: postgres://att(une:CR3Dw", true),
            ("server:\n  api_token: CR3D-0123456789abcdef", true),
            ("databse:\n  url: CR3D\nworker: 7\n", true),
            ("database: {url: 'amqps://u:CR3D@h'}", true),
            ("x: [\n  url: amqps://u:CR3D@h\n", true),
            ("database:\n  url: postgres://CR3D@db/attune\n", false),
            ("database:\n  url: postgres://attune:x@db/CR3D\n", false),
            ("database:\n  url: postgres://a postgres://b:CR3D@h\n", false),
            ("worker:\n  labels:\n    url: postgres://u:CR3D@h\n", false),
            ("worker:\n  name: CR3D\n", false),
            ("CR3D:\n  url: CR3D\n", false),
            ("database:\n  url: &a amqps://u:CR3D@h\nname: *a\n", false),
            ("name: \"\n  url: amqps://u:CR3D@h\n\"", false),
            ("x: [\n  CR3D: x\n", false),
            ("database:\n  url: postgres://attune:words@db/attune\n", false),
        ] {
            assert_eq!(are_credentials(text), expected, "{text}");
        }
    }
}
