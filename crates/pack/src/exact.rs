//! Reads JSON and YAML from outside without changing anything on the way: what cannot be kept exactly is refused, with
//! its place.
//!
//! The usual readers keep the last of two equal keys, round an integer that is too long, and turn what is no number into
//! null, all silently. Here these are errors.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The most bytes of text that aliases in a YAML document may unfold to, and the most values.
const MOST_UNFOLDED: usize = 4 << 20;
/// What every value counts beside its text, so that a bomb of empty lists is one too.
const PER_VALUE: usize = 16;

/// What the reader says of one half of a pair of surrogates.
const SURROGATE: [&str; 2] = ["unexpected end of hex escape", "lone leading surrogate in hex escape"];

/// Why a document was refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} column {column}: {reason}")]
pub struct Misread {
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1; 0 when the line ended too early.
    pub column: usize,
    /// What is wrong there.
    pub reason: String,
}

/// Reads one JSON value.
///
/// # Errors
/// [`Misread`] for everything that is not JSON, and for what JSON allows and no program can rely on: a key that comes
/// twice, an integer beyond 64 bits, nesting deeper than 128, half of a surrogate pair.
pub fn read_json(bytes: &[u8]) -> Result<Value, Misread> {
    let count = Counter::new(usize::MAX);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read = Seed(&count).deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    match read {
        Ok(value) if !count.is_inexact.get() => Ok(value),
        Ok(value) => long_integer(bytes).map_or(Ok(value), Err),
        Err(error) => {
            let words = error.to_string();
            let reason = words.rsplit_once(" at line ").map_or(words.as_str(), |(reason, _)| reason);
            let (line, column) = (error.line(), error.column());
            let reason = match no_number(bytes, line, column) {
                Some(word) => format!("JSON has no {word}; write null or a text"),
                None if SURROGATE.contains(&reason) => "a lone surrogate, which is half of a character".to_owned(),
                None => reason.to_owned(),
            };
            Err(Misread { line, column, reason })
        }
    }
}

/// Reads one YAML document.
///
/// # Errors
/// [`Misread`] for everything that is not YAML, for keys that come twice, numbers that JSON does not have, and aliases
/// that unfold to more than 4 MiB.
pub fn read_yaml(text: &str) -> Result<Value, Misread> {
    let count = Counter::new(text.len().saturating_mul(2).max(MOST_UNFOLDED));
    // As YAML 1.2 has it: `no` is a text.
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    let read = serde_saphyr::with_deserializer_from_str_with_options(text, options, |deserializer| {
        Seed(&count).deserialize(deserializer)
    });
    match read {
        Ok(value) if !count.is_inexact.get() => Ok(value),
        Ok(value) => long_word(text).map_or(Ok(value), Err),
        Err(error) => {
            let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
            let words = error.without_snippet().to_string();
            let reason = [" at line ", " (defined"]
                .iter()
                .fold(words.as_str(), |words, more| words.split_once(more).map_or(words, |(reason, _)| reason));
            let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            let reason = reason.lines().next().unwrap_or("not YAML").to_owned();
            Err(Misread { line: number(line), column: number(column), reason })
        }
    }
}

struct Counter {
    left: Cell<usize>,
    is_inexact: Cell<bool>,
}

impl Counter {
    const fn new(most: usize) -> Self {
        Self { left: Cell::new(most), is_inexact: Cell::new(false) }
    }

    fn take<E: serde::de::Error>(&self, bytes: usize) -> Result<(), E> {
        let left = self.left.get().checked_sub(bytes.saturating_add(PER_VALUE));
        self.left.set(left.ok_or_else(|| E::custom("its aliases unfold to too much"))?);
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Seed<'a>(&'a Counter);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        self.0.take(0)?;
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            self.0.take(name.len())?;
            if fields.contains_key(&name) {
                let shown: String = name.chars().take(60).collect();
                return Err(A::Error::custom(format_args!("duplicate key {shown:?}")));
            }
            let value = map.next_value_seed(self)?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.0.take(0)?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Value, E> {
        self.0.take(0)?;
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        self.0.take(0)?;
        Ok(Value::from(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        self.0.take(0)?;
        Ok(Value::from(value))
    }

    fn visit_i128<E: serde::de::Error>(self, value: i128) -> Result<Value, E> {
        match (i64::try_from(value), u64::try_from(value)) {
            (Ok(small), _) => self.visit_i64(small),
            (_, Ok(large)) => self.visit_u64(large),
            _ => Err(E::custom(format_args!("{value} is beyond 64 bits; write it as a text"))),
        }
    }

    fn visit_u128<E: serde::de::Error>(self, value: u128) -> Result<Value, E> {
        match u64::try_from(value) {
            Ok(large) => self.visit_u64(large),
            Err(_) => Err(E::custom(format_args!("{value} is beyond 64 bits; write it as a text"))),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        self.0.take(0)?;
        if !value.is_finite() {
            return Err(E::custom(format_args!("{value} is no number that a result can hold; write null or a text")));
        }
        if value.fract() == 0.0 && value.abs() >= 9_223_372_036_854_775_807.0 {
            self.0.is_inexact.set(true);
        }
        Ok(Value::from(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        self.0.take(value.len())?;
        Ok(Value::String(value))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        self.0.take(0)?;
        Ok(Value::Null)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// The first integer of a valid document that 64 bits do not hold.
fn long_integer(bytes: &[u8]) -> Option<Misread> {
    let (mut line, mut line_start, mut index) = (1, 0, 0);
    while let Some(byte) = bytes.get(index) {
        match byte {
            b'\n' => (line, line_start) = (line + 1, index + 1),
            b'"' => {
                index += 1;
                while bytes.get(index).is_some_and(|byte| *byte != b'"') {
                    index += if bytes[index] == b'\\' { 2 } else { 1 };
                }
            }
            b'-' | b'0'..=b'9' => {
                let rest = bytes.get(index..).unwrap_or_default();
                let length = rest.iter().take_while(|byte| b"+-.0123456789eE".contains(byte)).count();
                let text = std::str::from_utf8(rest.get(..length).unwrap_or_default()).unwrap_or_default();
                let is_integer = !text.contains(['.', 'e', 'E']);
                if is_integer && text.parse::<i64>().is_err() && text.parse::<u64>().is_err() {
                    return Some(beyond(text, line, index - line_start + 1));
                }
                index += length.max(1) - 1;
            }
            _ => {}
        }
        index += 1;
    }
    None
}

/// The first word of a YAML document that is an integer beyond 64 bits.
fn long_word(text: &str) -> Option<Misread> {
    for (index, line) in text.lines().enumerate() {
        for word in line.split(|character: char| character.is_whitespace() || ",[]{}:".contains(character)) {
            let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
            let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            if is_integer && word.parse::<i64>().is_err() && word.parse::<u64>().is_err() {
                let column = word.as_ptr() as usize - line.as_ptr() as usize + 1;
                return Some(beyond(word, index + 1, column));
            }
        }
    }
    None
}

fn beyond(integer: &str, line: usize, column: usize) -> Misread {
    let shown: String = integer.chars().take(40).collect();
    Misread { line, column, reason: format!("the integer {shown} is beyond 64 bits; write it as a text") }
}

/// The word for something that some languages write into JSON and JSON does not have, when it stands at this place.
fn no_number(bytes: &[u8], line: usize, column: usize) -> Option<&'static str> {
    let text = bytes.split(|byte| *byte == b'\n').nth(line.checked_sub(1)?)?;
    let rest = text.get(column.checked_sub(1)?..)?;
    ["NaN", "Infinity"].into_iter().find(|word| rest.starts_with(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_would_be_changed_silently_is_refused_with_its_place() {
        for (text, expected) in [
            ("{\"a\": 1,\n \"a\": 2}", "line 2 column 4: duplicate key \"a\""),
            (
                "[1, 18446744073709551616]",
                "line 1 column 5: the integer 18446744073709551616 is beyond 64 bits; write it as a text",
            ),
            (
                "{\"a\\\"1\": [\n -9223372036854775809]}",
                "line 2 column 2: the integer -9223372036854775809 is beyond 64 bits; write it as a text",
            ),
            ("[NaN]", "line 1 column 2: JSON has no NaN; write null or a text"),
            ("[-Infinity]", "line 1 column 3: JSON has no Infinity; write null or a text"),
            ("1e400", "line 1 column 5: number out of range"),
            ("\"\\ud800\"", "line 1 column 8: a lone surrogate, which is half of a character"),
            ("\"\\ud800\\u0041\"", "line 1 column 13: a lone surrogate, which is half of a character"),
            ("\"\\udc00\"", "line 1 column 7: a lone surrogate, which is half of a character"),
            ("1 2", "line 1 column 3: trailing characters"),
        ] {
            assert_eq!(read_json(text.as_bytes()).expect_err(text).to_string(), expected, "{text}");
        }
        assert!(read_json(b"\"a\xff\"").expect_err("not UTF-8").to_string().contains("unicode"));
    }

    #[test]
    fn what_can_be_kept_is_kept() {
        for text in [
            "null",
            "-0.0",
            "1e30",
            "18446744073709551615",
            "-9223372036854775808",
            "0.30000000000000004",
            "\"\\u0000\\ud83e\\udd80\"",
        ] {
            let plain: Value = serde_json::from_str(text).expect(text);
            assert_eq!(read_json(text.as_bytes()), Ok(plain), "{text}");
        }
        assert_eq!(read_json(b"[1e30, 0.5, \"18446744073709551616\"]"), Ok(json!([1e30, 0.5, "18446744073709551616"])));
        assert_eq!(read_yaml("a: [1, two, ~]\nb: {c: no}\n"), Ok(json!({"a": [1, "two", null], "b": {"c": "no"}})));
    }

    #[test]
    fn a_bomb_is_refused_before_it_goes_off() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
            assert!(read_json(deep.as_bytes()).expect_err("deep").to_string().contains("recursion"));
            assert!(read_yaml(&deep).is_err());
        }
        let mut laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}", level - 1);
            laughs.push_str(&format!("a{level}: &a{level} [{}]\n", [before.as_str(); 10].join(",")));
        }
        assert!(read_yaml(&laughs).is_err());
        let long = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(500_000), ["*a"; 50].join(","));
        assert_eq!(read_yaml(&long).expect_err("unfolds to 25 MB").reason, "its aliases unfold to too much");
    }

    #[test]
    fn yaml_says_where_it_is_wrong() {
        for (text, line) in [
            ("a: 1\na: 2\n", 2),
            ("a: [1\n", 1),
            ("a: .nan\n", 1),
            ("a: 1\n---\nb: 2\n", 2),
            ("a: 99999999999999999999999\n", 1),
        ] {
            let error = read_yaml(text).expect_err(text);
            assert!(error.line >= line && !error.reason.is_empty(), "{text:?}: {error}");
        }
    }
}
