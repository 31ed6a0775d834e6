//! A value in the encodings that are looked for. Made without the code that masks them: two mistakes would have to agree.

use std::fmt::Write as _;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// How many encodings there are.
pub(super) const ENCODINGS: usize = 12;

/// The value in each encoding, as the actions of the pack write it.
pub(super) fn forms(value: &str) -> [(&'static str, String); ENCODINGS] {
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    [
        ("raw", value.to_owned()),
        ("base64", base64(value, 0)),
        ("base64 shifted by 1", base64(value, 1)),
        ("base64 shifted by 2", base64(value, 2)),
        ("base64url", base64(value, 0).replace('+', "-").replace('/', "_")),
        ("HEX", hex.to_uppercase()),
        ("hex", hex),
        ("percent", percent(value)),
        ("json", escaped(value, '"', |character| format!("\\u{:04x}", u32::from(character)))),
        ("shell", value.replace('\'', "'\"'\"'")),
        ("xml", xml(value)),
        ("debug", escaped(value, '\'', |character| character.to_string())),
    ]
}

/// What base64 makes of the value behind `before` other bytes, without the letters that also depend on its neighbours.
fn base64(value: &str, before: usize) -> String {
    let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(value.bytes()).collect();
    let bit = |index: usize| bytes.get(index / 8).map_or(0, |byte| usize::from(byte >> (7 - index % 8)) & 1);
    let letters =
        |from: usize, to: usize| (from..to).map(|letter| (0..6).fold(0, |sum, at| sum * 2 + bit(letter * 6 + at)));
    letters((before * 8).div_ceil(6), bytes.len() * 8 / 6).map(|letter| char::from(ALPHABET[letter])).collect()
}

fn percent(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        let _written = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' | b'/' => {
                write!(text, "{}", char::from(byte))
            }
            _ => write!(text, "%{byte:02X}"),
        };
        text
    })
}

/// With a backslash before `quote` and before backslashes, and `beyond` for what is beyond ASCII.
fn escaped(value: &str, quote: char, beyond: impl Fn(char) -> String) -> String {
    value
        .chars()
        .map(|character| match character {
            '\\' => "\\\\".to_owned(),
            _ if character == quote => format!("\\{quote}"),
            _ if character.is_ascii() => character.to_string(),
            _ => beyond(character),
        })
        .collect()
}

fn xml(value: &str) -> String {
    let pairs = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#x27;")];
    let one = |character: char| pairs.iter().find(|(from, _)| *from == character).map(|(_, to)| (*to).to_owned());
    value.chars().map(|character| one(character).unwrap_or_else(|| character.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::forms;

    #[test]
    fn forms_are_those_of_the_programs() {
        let all: Vec<String> = forms("a\"b'c&<é>").into_iter().map(|(_, text)| text).collect();
        let expected = [
            "a\"b'c&<é>",
            "YSJiJ2MmPMOpP",
            "EiYidjJjzDqT",
            "hImInYyY8w6k+",
            "YSJiJ2MmPMOpP",
            "61226227 63263CC3A93E",
            "612262276326 3cc3a93e",
            "a%22b%27c%26%3C%C3%A9%3E",
            "a\\\"b'c&<\\u00e9>",
            "a\"b'\"'\"'c&<é>",
            "a&quot;b&#x27;c&amp;&lt;é&gt;",
            "a\"b\\'c&<é>",
        ]
        .map(|text| if text.starts_with("6122") { text.replace(' ', "") } else { text.to_owned() });
        assert_eq!(all, expected);
    }
}
