//! Secrets in plain, for as long as one attempt needs them.

use std::fmt;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::output_key::OutputKey;

/// One value in plain. Overwritten when it is dropped, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedSecret {
    /// The name of the secret; `parameters.<name>` for a value of a secret parameter.
    pub name: String,
    /// The value.
    pub value: Zeroizing<Vec<u8>>,
}

impl OpenedSecret {
    /// A secret of this name.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), value: Zeroizing::new(value.into()) }
    }
}

impl fmt::Debug for OpenedSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OpenedSecret({} = ***)", self.name)
    }
}

/// All that one attempt was given in plain. What redaction makes its needles of.
#[derive(Clone, Default, PartialEq)]
pub struct Opened {
    /// The secrets that the action lists, by the names under which it asks for them.
    pub secrets: Vec<OpenedSecret>,
    /// What must not be seen of secret parameters: each text and each number in them. A parameter whose value is an
    /// object or an array has several.
    pub parameters: Vec<OpenedSecret>,
    /// The secret parameters as they were asked.
    pub values: Map<String, Value>,
    /// What its secret outputs are encrypted with, when the action has any and the server a key.
    pub output_key: Option<OutputKey>,
}

impl Opened {
    /// These secrets, and these parameters.
    #[must_use]
    pub fn new(secrets: Vec<OpenedSecret>, values: Map<String, Value>) -> Self {
        let mut parameters = Vec::new();
        for (name, value) in &values {
            collect(&format!("parameters.{name}"), value, &mut parameters);
        }
        Self { secrets, parameters, values, output_key: None }
    }

    /// The same, with a key for secret outputs.
    #[must_use]
    pub fn with_output_key(mut self, key: OutputKey) -> Self {
        self.output_key = Some(key);
        self
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.values.is_empty()
    }

    /// Everything that must not be seen.
    pub fn all(&self) -> impl Iterator<Item = &OpenedSecret> {
        self.secrets.iter().chain(&self.parameters)
    }

    /// The secret of this name.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&OpenedSecret> {
        self.secrets.iter().find(|secret| secret.name == name)
    }

    /// How it travels, sealed: how many secrets, each name and value with its length, the parameters as JSON, and,
    /// where there is one, the key for outputs.
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let parameters = Zeroizing::new(parameters_text(&self.values));
        let secrets: usize = self.secrets.iter().map(|secret| secret.name.len() + secret.value.len() + 16).sum();
        // Allocated once: what a vector leaves behind when it grows is not overwritten.
        let mut bytes = Zeroizing::new(Vec::with_capacity(8 + secrets + 8 + parameters.len() + 8 + 32));
        bytes.extend((self.secrets.len() as u64).to_be_bytes());
        for secret in &self.secrets {
            for part in [secret.name.as_bytes(), &secret.value] {
                bytes.extend((part.len() as u64).to_be_bytes());
                bytes.extend(part);
            }
        }
        bytes.extend((parameters.len() as u64).to_be_bytes());
        bytes.extend(&*parameters);
        if let Some(key) = &self.output_key {
            bytes.extend((key.bytes().len() as u64).to_be_bytes());
            bytes.extend(key.bytes());
        }
        bytes
    }

    /// What [`Opened::to_bytes`] wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let count = take_number(&mut rest)?;
        let mut secrets = Vec::new();
        for _ in 0..count {
            let name = String::from_utf8(take_part(&mut rest)?.to_vec()).ok()?;
            secrets.push(OpenedSecret::new(name, take_part(&mut rest)?));
        }
        let values = parameters_of(take_part(&mut rest)?)?;
        let mut opened = Self::new(secrets, values);
        if !rest.is_empty() {
            opened.output_key = Some(OutputKey::of(take_part(&mut rest)?)?);
        }
        rest.is_empty().then_some(opened)
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.all().map(|secret| secret.name.as_str()).collect();
        write!(formatter, "Opened({names:?} = ***)")
    }
}

/// Secret parameters as the text that is encrypted.
#[must_use]
pub fn parameters_text(values: &Map<String, Value>) -> Vec<u8> {
    serde_json::to_vec(values).expect("a map of JSON values is JSON")
}

/// What [`parameters_text`] wrote.
#[must_use]
pub fn parameters_of(text: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(text).ok()
}

fn collect(name: &str, value: &Value, found: &mut Vec<OpenedSecret>) {
    match value {
        Value::String(text) => found.push(OpenedSecret::new(name, text.as_bytes())),
        Value::Number(number) => found.push(OpenedSecret::new(name, number.to_string())),
        Value::Array(items) => items.iter().for_each(|item| collect(name, item, found)),
        Value::Object(fields) => fields.values().for_each(|field| collect(name, field, found)),
        // Hiding `true` or `null` would destroy every log and hide nothing.
        Value::Bool(_) | Value::Null => {}
    }
}

fn take_number(rest: &mut &[u8]) -> Option<usize> {
    let (number, behind) = rest.split_first_chunk::<8>()?;
    *rest = behind;
    usize::try_from(u64::from_be_bytes(*number)).ok()
}

fn take_part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_number(rest)?;
    let (part, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn opened() -> Opened {
        let Value::Object(values) =
            json!({"token": "t0ken", "card": {"number": 4111, "ok": true, "pins": ["12", null]}})
        else {
            unreachable!("an object was written")
        };
        Opened::new(vec![OpenedSecret::new("db", vec![0, 255]), OpenedSecret::new("", Vec::new())], values)
    }

    #[test]
    fn it_survives_the_way() {
        assert_eq!(Opened::from_bytes(&opened().to_bytes()), Some(opened()));
        assert_eq!(Opened::from_bytes(&Opened::default().to_bytes()), Some(Opened::default()));
        let bytes = opened().to_bytes();
        for cut in 0..bytes.len() {
            assert_eq!(Opened::from_bytes(&bytes[..cut]), None, "cut at {cut}");
        }
        assert_eq!(Opened::from_bytes(&[255; 64]), None);
        let keyed = opened().with_output_key(OutputKey::of(&[7; 32]).expect("a key"));
        assert_eq!(Opened::from_bytes(&keyed.to_bytes()), Some(keyed.clone()));
        for cut in bytes.len() + 1..keyed.to_bytes().len() {
            assert_eq!(Opened::from_bytes(&keyed.to_bytes()[..cut]), None, "cut at {cut}");
        }
        assert_eq!(Opened::from_bytes(&[&keyed.to_bytes()[..], &[0]].concat()), None);
    }

    #[test]
    fn every_part_of_a_parameter_is_to_be_hidden() {
        let hidden: Vec<(String, Vec<u8>)> =
            opened().parameters.iter().map(|one| (one.name.clone(), one.value.to_vec())).collect();
        let expected = [("parameters.card", "4111"), ("parameters.card", "12"), ("parameters.token", "t0ken")];
        assert_eq!(hidden, expected.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())));
    }

    #[test]
    fn nothing_of_it_is_ever_shown() {
        let text = format!("{:?}", opened());
        assert!(!text.contains("t0ken") && !text.contains("4111") && text.contains("***"), "{text}");
    }
}
