//! The forms in which a value may appear.

use serde_json::Value;
use zeroize::Zeroizing;

use super::encoding::Encoding;
use super::escapes::{self, JsonStyle, Unprintable};
use super::needles::Needles;

/// How many parts of a value are looked for in every encoding; more are looked for as they are.
const ENCODED_PARTS: usize = 64;
/// How many parts are looked for at all.
const MOST_PARTS: usize = 4096;
/// What `base64` and MIME, and PEM, make of a line.
const WRAPPED_AT: [usize; 2] = [76, 64];
/// What bash puts a backslash before in `printf %q`.
const BASH_SPECIAL: &[u8] = b" !\"#$&'()*,;<>?[\\]^`{|}~";
/// What keeps its meaning within double quotes.
const QUOTED_SPECIAL: &[u8] = b"\"$\\`";

/// One form of a value.
#[derive(PartialEq, Eq)]
pub(super) struct Variant {
    pub(super) encoding: Encoding,
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Whether it follows another piece of the same value.
    pub(super) follows: bool,
}

/// All forms of `value` that are long enough to be looked for, none of them longer than can be looked for. `false`: the
/// value itself is too short.
pub(super) fn variants(value: &[u8], take: &mut impl FnMut(Variant)) -> bool {
    // What surrounds a value in a file is not printed with it.
    let value = value.trim_ascii();
    if value.len() < Needles::SHORTEST {
        return false;
    }
    encoded(value, Encoding::Raw, take);
    let parts = parts(value);
    for (index, part) in parts.iter().take(MOST_PARTS).enumerate() {
        if index < ENCODED_PARTS {
            encoded(part, Encoding::Part, take);
        } else {
            pieces(Encoding::Part, part.to_vec(), take);
        }
    }
    true
}

/// Lines of the value, and the texts inside it when it is JSON.
fn parts(value: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut parts: Vec<Zeroizing<Vec<u8>>> = Vec::new();
    let mut add = |part: &[u8]| {
        let part = part.trim_ascii();
        // What begins and ends every PEM file is no secret, and masking it would hide what went wrong.
        let is_frame = part.starts_with(b"-----BEGIN ") || part.starts_with(b"-----END ");
        if part.len() >= Needles::SHORTEST && part.len() < value.len() && !is_frame {
            parts.push(Zeroizing::new(part.to_vec()));
        }
    };
    if matches!(value.first(), Some(b'{' | b'['))
        && let Ok(parsed) = serde_json::from_slice::<Value>(value)
    {
        let mut open = vec![&parsed];
        while let Some(next) = open.pop() {
            match next {
                Value::String(text) => {
                    add(text.as_bytes());
                    text.as_bytes().split(|byte| *byte == b'\n').for_each(&mut add);
                }
                Value::Array(values) => open.extend(values),
                Value::Object(fields) => open.extend(fields.values()),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
    } else {
        value.split(|byte| matches!(byte, b'\n' | b'\r')).for_each(&mut add);
    }
    parts
}

/// `value` as it is, called `plain`, and in every encoding.
fn encoded(value: &[u8], plain: Encoding, take: &mut impl FnMut(Variant)) {
    pieces(plain, value.to_vec(), take);
    for before in 0..3 {
        pieces(Encoding::Base64, escapes::base64(value, before, false), take);
        pieces(Encoding::Base64Url, escapes::base64(value, before, true), take);
    }
    let whole = Zeroizing::new(escapes::base64(value, 0, false));
    for width in WRAPPED_AT {
        for line in whole.chunks(width).filter(|line| line.len() < whole.len() && line.len() >= Needles::SHORTEST) {
            pieces(Encoding::Base64, line.to_vec(), take);
        }
    }
    for (encoding, is_upper) in [(Encoding::HexLower, false), (Encoding::HexUpper, true)] {
        for between in ["", " ", ":"] {
            pieces(encoding, escapes::hex(value, is_upper, between), take);
        }
        for kept in [&b"-._~"[..], b"-._~/", b"-_.!~*'()", b"-_.!~*'();/?:@&=+$,#", b"*-._"] {
            for plus_for_space in [false, true] {
                pieces(Encoding::Percent, escapes::percent(value, kept, is_upper, plus_for_space), take);
            }
        }
    }
    for between in [", ", ",", " "] {
        pieces(Encoding::Decimal, escapes::decimal(value, between), take);
    }
    if let Ok(text) = std::str::from_utf8(value) {
        json(text, take);
    }
    for quote in ["'\\''", "'\"'\"'"] {
        pieces(Encoding::Shell, escapes::single_quoted(value, quote), take);
    }
    for special in [BASH_SPECIAL, QUOTED_SPECIAL] {
        pieces(Encoding::Shell, escapes::backslashed(value, special), take);
    }
    pieces(Encoding::Shell, escapes::c_like(value, b'\'', Unprintable::Octal), take);
    for (double, single) in [
        ("&quot;", "&#39;"),
        ("&quot;", "&apos;"),
        ("&quot;", "&#x27;"),
        ("&#34;", "&#39;"),
        ("\"", "'"),
        ("&quot;", "'"),
    ] {
        pieces(Encoding::Xml, escapes::xml(value, double, single), take);
    }
    for quote in [b'"', b'\''] {
        for unprintable in [Unprintable::Hex, Unprintable::HexBeyondAscii, Unprintable::Braces] {
            pieces(Encoding::Debug, escapes::c_like(value, quote, unprintable), take);
        }
    }
}

fn json(text: &str, take: &mut impl FnMut(Variant)) {
    for bits in 0..16_u8 {
        let style = JsonStyle {
            is_ascii: bits & 1 != 0,
            escapes_slash: bits & 2 != 0,
            is_for_html: bits & 4 != 0,
            is_upper: bits & 8 != 0,
        };
        pieces(Encoding::Json, escapes::json(text, style), take);
    }
    let once = Zeroizing::new(escapes::json(text, JsonStyle::default()));
    if let Ok(once) = std::str::from_utf8(&once) {
        pieces(Encoding::Json, escapes::json(once, JsonStyle::default()), take);
    }
}

/// Cuts a form that is longer than can be looked for. What is left at the end goes back into the piece before.
fn pieces(encoding: Encoding, bytes: Vec<u8>, take: &mut impl FnMut(Variant)) {
    let bytes = Zeroizing::new(bytes);
    if bytes.len() <= Needles::LONGEST {
        take(Variant { encoding, bytes, follows: false });
        return;
    }
    let mut begin = 0;
    while begin < bytes.len() {
        let end = (begin + Needles::LONGEST).min(bytes.len());
        let from = begin.min(bytes.len() - Needles::SHORTEST);
        take(Variant { encoding, bytes: Zeroizing::new(bytes[from..end].to_vec()), follows: begin > 0 });
        begin = end;
    }
}
