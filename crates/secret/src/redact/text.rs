//! Texts and values without their secrets.

use std::borrow::Cow;

use serde_json::Value;

use super::leak::Leak;
use super::needles::Needles;
use super::redactor::Redactor;

impl Needles {
    /// A text without its secrets, and what was found in it.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> (Cow<'a, str>, Vec<Leak>) {
        let mut redactor = Redactor::new(self);
        if redactor.is_idle() {
            return (Cow::Borrowed(text), Vec::new());
        }
        let mut out = Vec::with_capacity(text.len());
        redactor.push(text.as_bytes(), &mut out);
        redactor.finish(&mut out);
        let leaks = redactor.report();
        if leaks.is_empty() {
            return (Cow::Borrowed(text), leaks);
        }
        // A needle may end inside a character when the value is no text.
        (Cow::Owned(String::from_utf8_lossy(&out).into_owned()), leaks)
    }

    /// Takes the secrets out of the texts, names and numbers of a value, however deep, and returns what was found. What
    /// is no text afterwards becomes one.
    pub fn redact_value(&self, value: &mut Value) -> Vec<Leak> {
        let mut leaks = Vec::new();
        if !self.is_empty() {
            self.walk(value, &mut leaks);
        }
        leaks
    }

    fn walk(&self, value: &mut Value, leaks: &mut Vec<Leak>) {
        // Depth is bounded by whoever read the value.
        match value {
            Value::String(text) => {
                if let (Cow::Owned(masked), found) = self.redact(text) {
                    *text = masked;
                    leaks.extend(found);
                }
            }
            Value::Number(number) => {
                let text = number.to_string();
                if let (Cow::Owned(masked), found) = self.redact(&text) {
                    *value = Value::String(masked);
                    leaks.extend(found);
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.walk(value, leaks)),
            Value::Object(fields) => {
                let names: Vec<String> = fields.keys().cloned().collect();
                for name in names {
                    if let (Cow::Owned(masked), found) = self.redact(&name) {
                        leaks.extend(found);
                        let field = fields.remove(&name).unwrap_or_default();
                        // Two names that differ in nothing but the secret stay two.
                        let mut unused = masked;
                        while fields.contains_key(&unused) {
                            unused.push('*');
                        }
                        fields.insert(unused, field);
                    }
                }
                fields.values_mut().for_each(|value| self.walk(value, leaks));
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}
