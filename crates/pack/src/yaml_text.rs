//! Writes values as YAML that every reader of YAML understands alike.
//!
//! YAML 1.1 and 1.2 disagree about `no`, `1e5`, `12:30` and about which characters end a line, and programs use readers
//! of both. So every text stands in double quotes with everything escaped that some reader would change or refuse, and
//! numbers are written as both versions read them. One line per parameter, so that people can read it too.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

/// Readers look for the colon after a key no further than 1024 characters ahead, unless the key says that it is one.
const MOST_SIMPLE_KEY: usize = 512;

/// The parameters as one YAML mapping.
pub(crate) fn document(parameters: &Map<String, Value>) -> String {
    if parameters.is_empty() {
        return "{}\n".to_owned();
    }
    let mut text = String::new();
    for (name, value) in parameters {
        match name.len() > MOST_SIMPLE_KEY {
            true => {
                text.push_str("? ");
                quoted(&mut text, name);
                text.push_str("\n: ");
            }
            false if is_plain(name) => {
                text.push_str(name);
                text.push_str(": ");
            }
            false => {
                quoted(&mut text, name);
                text.push_str(": ");
            }
        }
        flow(&mut text, value);
        text.push('\n');
    }
    text
}

/// Whether a key means itself without quotes in every version of YAML.
fn is_plain(name: &str) -> bool {
    const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        && !WORDS.iter().any(|word| name.eq_ignore_ascii_case(word))
}

fn flow(text: &mut String, value: &Value) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Number(value) => number(text, value),
        Value::String(value) => quoted(text, value),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                flow(text, item);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            text.push('{');
            for (index, (name, value)) in fields.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                text.push_str(if name.len() > MOST_SIMPLE_KEY { "? " } else { "" });
                quoted(text, name);
                text.push_str(": ");
                flow(text, value);
            }
            text.push('}');
        }
    }
}

/// YAML 1.1 knows a number with an exponent only when it has a point and the exponent a sign.
fn number(text: &mut String, number: &Number) {
    let plain = number.to_string();
    let Some((mantissa, exponent)) = plain.split_once(['e', 'E']) else {
        text.push_str(&plain);
        return;
    };
    text.push_str(mantissa);
    text.push_str(if mantissa.contains('.') { "e" } else { ".0e" });
    text.push_str(if exponent.starts_with(['-', '+']) { "" } else { "+" });
    text.push_str(exponent);
}

fn quoted(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' => {
                text.push(character);
            }
            // What is left of the range that every version calls printable.
            '\u{ff00}'..='\u{fffd}' | '\u{1_0000}'..='\u{10_ffff}' => text.push(character),
            other if (other as u32) < 0x100 => {
                let _infallible = write!(text, "\\x{:02x}", other as u32);
            }
            other => {
                let _infallible = write!(text, "\\u{:04x}", other as u32);
            }
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_versions_of_yaml_disagree_about_is_quoted_or_escaped() {
        let Value::Object(parameters) = json!({
            "plain": "no", "no": 1, "a b": null, "list": [1.5, 1e300, 1e-7, -3, "x: y"], "deep": {"k": {}},
            "text": "tab\t nel\u{85} ls\u{2028} bom\u{feff} esc\u{1b} del\u{7f} nul\0 \"q\" \\ é 🦀 cr\r\n",
        }) else {
            panic!("an object")
        };
        assert_eq!(
            document(&parameters),
            "\"a b\": null\ndeep: {\"k\": {}}\nlist: [1.5, 1.0e+300, 1.0e-7, -3, \"x: y\"]\n\"no\": 1\nplain: \"no\"\n\
             text: \"tab\\t nel\\x85 ls\\u2028 bom\\ufeff esc\\x1b del\\x7f nul\\x00 \\\"q\\\" \\\\ é 🦀 cr\\r\\n\"\n"
        );
        assert_eq!(document(&Map::new()), "{}\n");
    }

    #[test]
    fn a_key_of_any_length_reads_back() {
        let long = "k".repeat(5000);
        let Value::Object(parameters) = json!({long.as_str(): {long.as_str(): 1}}) else { panic!("an object") };
        let read: Value = serde_saphyr::from_str(&document(&parameters)).expect("reads");
        assert_eq!(read, Value::Object(parameters));
    }
}
