//! The result as it grows, call by call.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::protocol::MAX_VALUE;

/// The result as it grows, call by call. Values are kept as compact JSON text: a tree of values takes many times the
/// memory of its text, and anybody in the execution may send one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Draft {
    /// Nothing was set.
    #[default]
    Nothing,
    /// An object.
    Fields(BTreeMap<String, Vec<u8>>),
    /// Any other value.
    Other(Vec<u8>),
}

impl Draft {
    /// The value that `text` holds.
    ///
    /// # Errors
    /// Where it is no JSON, and why.
    pub(crate) fn read(text: &[u8]) -> Result<Self, String> {
        let text =
            std::str::from_utf8(text).map_err(|error| format!("byte {} is not UTF-8", error.valid_up_to() + 1))?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = Top.deserialize(&mut deserializer).and_then(|read| deserializer.end().map(|()| read));
        read.map_err(|error| {
            let words = error.to_string();
            let reason = words.split(" at line ").next().unwrap_or("not JSON");
            format!("line {} column {}: {reason}", error.line(), error.column())
        })
    }

    /// Takes the place of what was set before, or (`merge`) is put into it field by field. What was set stays when this
    /// fails.
    ///
    /// # Errors
    /// Why it cannot be.
    pub(crate) fn set(&mut self, value: Self, merge: bool) -> Result<(), String> {
        let next = match (merge, value, &*self) {
            (false, value, _) | (true, value @ Self::Fields(_), Self::Nothing) => value,
            (true, Self::Fields(new), Self::Fields(known)) => {
                let new_size: usize = new.iter().map(size).sum();
                let kept: usize = known.iter().filter(|(name, _)| !new.contains_key(*name)).map(size).sum();
                check_size(new_size + kept + 1)?;
                let Self::Fields(known) = self else { return Ok(()) };
                known.extend(new);
                return Ok(());
            }
            (true, Self::Fields(_), Self::Other(_)) => {
                return Err("the result that was set is no object, so fields cannot be added to it".to_owned());
            }
            (true, _, _) => return Err("only the fields of an object can be added to the result".to_owned()),
        };
        check_size(next.size())?;
        *self = next;
        Ok(())
    }

    /// The whole as JSON text. `None`: nothing was set.
    pub(crate) fn into_text(self) -> Option<Vec<u8>> {
        match self {
            Self::Nothing => None,
            Self::Other(text) => Some(text),
            Self::Fields(fields) => {
                let mut text = vec![b'{'];
                for (name, value) in fields {
                    if text.len() > 1 {
                        text.push(b',');
                    }
                    push(&mut text, &name).ok()?;
                    text.push(b':');
                    text.extend_from_slice(&value);
                }
                text.push(b'}');
                Some(text)
            }
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Other(text) => text.len(),
            Self::Fields(fields) => fields.iter().map(size).sum::<usize>() + 1,
        }
    }
}

/// What a field takes at least: quotes, colon and comma, and no escapes.
fn size((name, value): (&String, &Vec<u8>)) -> usize {
    name.len() + value.len() + 4
}

fn check_size(size: usize) -> Result<(), String> {
    if size <= MAX_VALUE {
        return Ok(());
    }
    Err(format!("the result would have {size} bytes and may have {MAX_VALUE}; put what is large as an artifact"))
}

fn push(text: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<(), serde_json::Error> {
    serde_json::to_writer(text, value)
}

/// Reads a value into a [`Draft`].
struct Top;

impl<'de> DeserializeSeed<'de> for Top {
    type Value = Draft;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Draft, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Copies a value as compact text. It is read in full, so what would not be understood later is refused now.
struct Copy<'a>(&'a mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Copy<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Copy<'_> {
    fn plain<E: serde::de::Error>(self, value: &(impl Serialize + ?Sized)) -> Result<(), E> {
        push(self.0, value).map_err(|error| E::custom(error))
    }
}

impl<'de> Visitor<'de> for Copy<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.plain(&value)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.plain(&value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.plain(&value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.plain(&value)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.plain(value)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.plain(&())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        self.0.push(b'[');
        let mut is_first = true;
        loop {
            let before = self.0.len();
            if !is_first {
                self.0.push(b',');
            }
            if values.next_element_seed(Copy(self.0))?.is_none() {
                self.0.truncate(before);
                break;
            }
            is_first = false;
        }
        self.0.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        self.0.push(b'{');
        let mut is_first = true;
        while let Some(name) = fields.next_key::<String>()? {
            if !is_first {
                self.0.push(b',');
            }
            is_first = false;
            push(self.0, &name).map_err(A::Error::custom)?;
            self.0.push(b':');
            fields.next_value_seed(Copy(self.0))?;
        }
        self.0.push(b'}');
        Ok(())
    }
}

impl Top {
    fn other<E>(copy: impl FnOnce(Copy<'_>) -> Result<(), E>) -> Result<Draft, E> {
        let mut text = Vec::new();
        copy(Copy(&mut text))?;
        Ok(Draft::Other(text))
    }
}

impl<'de> Visitor<'de> for Top {
    type Value = Draft;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Draft, E> {
        Self::other(|copy| copy.visit_bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Draft, E> {
        Self::other(|copy| copy.visit_i64(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Draft, E> {
        Self::other(|copy| copy.visit_u64(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Draft, E> {
        Self::other(|copy| copy.visit_f64(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Draft, E> {
        Self::other(|copy| copy.visit_str(value))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Draft, E> {
        Self::other(|copy| copy.visit_unit())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<Draft, A::Error> {
        Self::other(|copy| copy.visit_seq(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Draft, A::Error> {
        let mut known = BTreeMap::new();
        while let Some(name) = fields.next_key::<String>()? {
            let mut text = Vec::new();
            fields.next_value_seed(Copy(&mut text))?;
            known.insert(name, text);
        }
        Ok(Draft::Fields(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn text(draft: Draft) -> Option<String> {
        draft.into_text().map(|text| String::from_utf8(text).expect("text"))
    }

    fn set(calls: &[(&str, bool)]) -> Result<Option<String>, String> {
        let mut draft = Draft::default();
        for (value, merge) in calls {
            draft.set(Draft::read(value.as_bytes())?, *merge)?;
        }
        Ok(text(draft))
    }

    #[test]
    fn values_replace_and_fields_are_added() {
        for (calls, expected) in [
            (&[][..], Ok(None)),
            (&[("  [1, {\"a\": null}] ", false)], Ok(Some("[1,{\"a\":null}]"))),
            (&[("{\"a\": 1}", true), ("{\"b\": [ ]}", true), ("{\"a\": 2}", true)], Ok(Some("{\"a\":2,\"b\":[]}"))),
            (&[("{\"a\": 1}", false), ("{\"b\": 2}", true)], Ok(Some("{\"a\":1,\"b\":2}"))),
            (&[("{\"a\": 1}", true), ("7", false)], Ok(Some("7"))),
            (&[("7", false), ("{\"a\": 1}", true)], Err("no object")),
            (&[("7", true)], Err("fields of an object")),
        ] {
            match (set(calls), expected) {
                (Ok(result), Ok(expected)) => assert_eq!(result.as_deref(), expected, "{calls:?}"),
                (Err(why), Err(words)) => assert!(why.contains(words), "{why}"),
                other => panic!("{calls:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_position() {
        for (value, words) in [
            (&b"{\n \"a\": }"[..], "line 2 column 7: expected value"),
            (b"1 2", "line 1 column 3: trailing characters"),
            (b"", "line 1 column 0"),
            (b"hello", "line 1 column 1"),
            (b"\"\\ud800\"", "line 1"),
            (b"{\"a\": 1e999}", "line 1"),
            (b"ab\xff", "byte 3 is not UTF-8"),
            (&[b'['; 100_000], "recursion limit"),
        ] {
            let why = Draft::read(value).expect_err("not JSON");
            assert!(why.contains(words), "{why}");
        }
    }

    #[test]
    fn the_limit_holds_for_the_whole_and_what_was_set_stays() {
        let half = format!("\"{}\"", "x".repeat(MAX_VALUE / 2));
        let mut draft = Draft::default();
        draft.set(Draft::read(format!("{{\"a\": {half}}}").as_bytes()).expect("JSON"), true).expect("fits");
        let more = Draft::read(format!("{{\"b\": {half}}}").as_bytes()).expect("JSON");
        let before = draft.clone();
        assert!(draft.set(more.clone(), true).expect_err("too large").contains("1048576"));
        assert_eq!(draft, before);
        let same = Draft::read(format!("{{\"a\": {half}}}").as_bytes()).expect("JSON");
        draft.set(same, true).expect("takes the place of the other");
        draft.set(more, false).expect("takes the place of all");
        let huge = format!("\"{}\"", "x".repeat(MAX_VALUE));
        assert!(draft.set(Draft::read(huge.as_bytes()).expect("JSON"), false).is_err());
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9..1e9_f64).prop_map(Value::from),
            "\\PC{0,10}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 30, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map("\\PC{0,5}", inner, 0..5).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_reads_back(value in any_value()) {
            let draft = Draft::read(format!("{value:#}").as_bytes()).expect("JSON");
            let text = draft.into_text().expect("set");
            prop_assert_eq!(serde_json::from_slice::<Value>(&text).expect("JSON"), value);
        }

        #[test]
        fn no_bytes_make_reading_fail(bytes in proptest::collection::vec(any::<u8>(), 0..100), text in "[\\[\\]{}\",:0-9a-e\\\\ ]{0,40}") {
            let _ignored = (Draft::read(&bytes), Draft::read(text.as_bytes()));
        }
    }
}
