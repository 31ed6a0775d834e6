//! How programs write a value down.
//!
//! Every function returns what stands between the quotes, without them: what stands around a value is not the value's.

use std::fmt::Write as _;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FOR_URLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64 of `value` behind `before` unknown bytes (0 to 2) and followed by others: the characters that depend on nothing
/// but the value.
pub(super) fn base64(value: &[u8], before: usize, for_urls: bool) -> Vec<u8> {
    let alphabet = if for_urls { FOR_URLS } else { STANDARD };
    let bit = |index: usize| {
        let byte = value.get((index / 8).wrapping_sub(before)).copied().unwrap_or(0);
        byte >> (7 - index % 8) & 1
    };
    let (begin, end) = ((before * 8).div_ceil(6), (before + value.len()) * 8 / 6);
    let character = |place: usize| {
        let sextet = (0..6).fold(0_u8, |sum, offset| sum << 1 | bit(place * 6 + offset));
        alphabet[usize::from(sextet)]
    };
    (begin..end).map(character).collect()
}

/// Two digits for a byte, with `between` between bytes.
pub(super) fn hex(value: &[u8], is_upper: bool, between: &str) -> Vec<u8> {
    let mut text = String::with_capacity(value.len() * 3);
    for (index, byte) in value.iter().enumerate() {
        if index > 0 {
            text.push_str(between);
        }
        let _written = if is_upper { write!(text, "{byte:02X}") } else { write!(text, "{byte:02x}") };
    }
    text.into_bytes()
}

/// Decimal numbers, with `between` between them.
pub(super) fn decimal(value: &[u8], between: &str) -> Vec<u8> {
    let numbers: Vec<String> = value.iter().map(u8::to_string).collect();
    numbers.join(between).into_bytes()
}

/// `%20` for everything but letters, digits and `kept`.
pub(super) fn percent(value: &[u8], kept: &[u8], is_upper: bool, plus_for_space: bool) -> Vec<u8> {
    let mut text = Vec::with_capacity(value.len() * 3);
    for byte in value {
        match byte {
            b' ' if plus_for_space => text.push(b'+'),
            byte if byte.is_ascii_alphanumeric() || kept.contains(byte) => text.push(*byte),
            byte => {
                text.push(b'%');
                text.extend_from_slice(&hex(&[*byte], is_upper, ""));
            }
        }
    }
    text
}

/// What may differ between writers of JSON.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct JsonStyle {
    /// Everything beyond ASCII as `\u`.
    pub(super) is_ascii: bool,
    /// `\/`.
    pub(super) escapes_slash: bool,
    /// `<`, `>` and `&` as `\u`.
    pub(super) is_for_html: bool,
    /// Digits of `\u` in upper case.
    pub(super) is_upper: bool,
}

/// A JSON string.
pub(super) fn json(text: &str, style: JsonStyle) -> Vec<u8> {
    let mut written = String::with_capacity(text.len() * 2);
    for one in text.chars() {
        match one {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            '\u{8}' => written.push_str("\\b"),
            '\u{c}' => written.push_str("\\f"),
            '/' if style.escapes_slash => written.push_str("\\/"),
            one if one < ' '
                || (style.is_ascii && one >= '\u{7f}')
                || (style.is_for_html && matches!(one, '<' | '>' | '&')) =>
            {
                for unit in one.encode_utf16(&mut [0; 2]) {
                    let _written = if style.is_upper {
                        write!(written, "\\u{unit:04X}")
                    } else {
                        write!(written, "\\u{unit:04x}")
                    };
                }
            }
            one => written.push(one),
        }
    }
    written.into_bytes()
}

/// Inside single quotes, where a single quote itself is written as `quote`.
pub(super) fn single_quoted(value: &[u8], quote: &str) -> Vec<u8> {
    let mut written = Vec::with_capacity(value.len() + 8);
    for byte in value {
        if *byte == b'\'' { written.extend_from_slice(quote.as_bytes()) } else { written.push(*byte) }
    }
    written
}

/// With a backslash before each of `special`.
pub(super) fn backslashed(value: &[u8], special: &[u8]) -> Vec<u8> {
    let mut written = Vec::with_capacity(value.len() + 8);
    for byte in value {
        if special.contains(byte) {
            written.push(b'\\');
        }
        written.push(*byte);
    }
    written
}

/// How a byte that cannot be printed is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unprintable {
    /// `\x1b`, and bytes beyond ASCII as they are.
    Hex,
    /// `\x1b` and `\xc3`.
    HexBeyondAscii,
    /// `\033`, and bytes beyond ASCII as they are: `$'...'` of shells.
    Octal,
    /// `\u{1b}`, and bytes beyond ASCII as they are.
    Braces,
}

/// As in the source of a program of the C family, with a backslash before `quote`.
pub(super) fn c_like(value: &[u8], quote: u8, unprintable: Unprintable) -> Vec<u8> {
    let mut written = Vec::with_capacity(value.len() + 8);
    for byte in value {
        match *byte {
            b'\\' => written.extend_from_slice(b"\\\\"),
            b'\n' => written.extend_from_slice(b"\\n"),
            b'\r' => written.extend_from_slice(b"\\r"),
            b'\t' => written.extend_from_slice(b"\\t"),
            0 if unprintable == Unprintable::Braces => written.extend_from_slice(b"\\0"),
            0x1b if unprintable == Unprintable::Octal => written.extend_from_slice(b"\\E"),
            byte if byte == quote => written.extend_from_slice(&[b'\\', byte]),
            byte if byte < b' ' || byte == 0x7f || (byte > 0x7f && unprintable == Unprintable::HexBeyondAscii) => {
                let text = match unprintable {
                    Unprintable::Octal => format!("\\{byte:03o}"),
                    Unprintable::Braces => format!("\\u{{{byte:x}}}"),
                    Unprintable::Hex | Unprintable::HexBeyondAscii => format!("\\x{byte:02x}"),
                };
                written.extend_from_slice(text.as_bytes());
            }
            byte => written.push(byte),
        }
    }
    written
}

/// With entities for `&`, `<` and `>`, and `double` and `single` for the quotes.
pub(super) fn xml(value: &[u8], double: &str, single: &str) -> Vec<u8> {
    let mut written = Vec::with_capacity(value.len() + 8);
    for byte in value {
        match byte {
            b'&' => written.extend_from_slice(b"&amp;"),
            b'<' => written.extend_from_slice(b"&lt;"),
            b'>' => written.extend_from_slice(b"&gt;"),
            b'"' => written.extend_from_slice(double.as_bytes()),
            b'\'' => written.extend_from_slice(single.as_bytes()),
            byte => written.push(*byte),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_what_every_surrounding_leaves_of_it() {
        let value = b"s3cret-value";
        for before in 0..3 {
            let needle = base64(value, before, false);
            assert!(needle.len() * 6 + 12 > value.len() * 8, "{before}: too much was cut off");
            for around in [b"\0\0\0\0", b"\xff\xff\xff\xff", b"abcd"] {
                // Encoded as a whole, at the alignment in question.
                let mut whole = around[..before].to_vec();
                whole.extend_from_slice(value);
                whole.extend_from_slice(around);
                let encoded = base64(&whole, 0, false);
                assert!(encoded.windows(needle.len()).any(|window| window == needle), "{before} {around:?}");
            }
        }
        assert_eq!(base64(b"any carnal pleas", 0, false), b"YW55IGNhcm5hbCBwbGVhc");
        assert_eq!(base64(&[0xfb, 0xff, 0xbf], 0, true), b"-_-_");
    }

    #[test]
    fn escapes_are_those_of_the_programs() {
        let value = "a'b\"c d\\e\n<é>&/\u{1b}";
        let bytes = value.as_bytes();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        assert_eq!(text(json(value, JsonStyle::default())), "a'b\\\"c d\\\\e\\n<é>&/\\u001b");
        let style = JsonStyle { is_ascii: true, escapes_slash: true, is_for_html: true, is_upper: false };
        assert_eq!(text(json(value, style)), "a'b\\\"c d\\\\e\\n\\u003c\\u00e9\\u003e\\u0026\\/\\u001b");
        assert_eq!(text(json("😀", style)), "\\ud83d\\ude00");
        assert_eq!(text(single_quoted(b"it's", "'\\''")), "it'\\''s");
        assert_eq!(text(backslashed(b"a b", b" ")), "a\\ b");
        assert_eq!(text(percent(b"a b/c", b"/", true, false)), "a%20b/c");
        assert_eq!(text(percent(b"a b/c", b"", false, true)), "a+b%2fc");
        assert_eq!(text(c_like(bytes, b'"', Unprintable::Braces)), "a'b\\\"c d\\\\e\\n<é>&/\\u{1b}");
        assert_eq!(text(c_like(bytes, b'\'', Unprintable::HexBeyondAscii)), "a\\'b\"c d\\\\e\\n<\\xc3\\xa9>&/\\x1b");
        assert_eq!(text(c_like(b"\x01\x1b", b'\'', Unprintable::Octal)), "\\001\\E");
        assert_eq!(text(xml(b"<a&'\">", "&quot;", "&#39;")), "&lt;a&amp;&#39;&quot;&gt;");
        assert_eq!(text(hex(b"\x0a\xff", true, " ")), "0A FF");
        assert_eq!(text(decimal(b"\x0a\xff", ", ")), "10, 255");
    }
}
