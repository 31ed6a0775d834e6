//! Reads a JSON object field by field, and names every field that breaks a rule instead of the first one alone.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::problem::{FieldProblem, Problem};

/// A JSON object that is being read.
#[derive(Debug)]
pub(crate) struct Fields {
    prefix: String,
    map: Map<String, Value>,
    known: Vec<&'static str>,
    problems: Vec<FieldProblem>,
}

impl Fields {
    /// Starts reading `value`, whose place in the request is `prefix` (empty for the request itself).
    pub(crate) fn of(prefix: impl Into<String>, value: Value) -> Result<Self, FieldProblem> {
        let prefix = prefix.into();
        match value {
            Value::Object(map) => Ok(Self { prefix, map, known: Vec::new(), problems: Vec::new() }),
            other => {
                let place = if prefix.is_empty() { "body".to_owned() } else { prefix };
                Err(FieldProblem::new(place, "type", format!("must be an object, not {}", kind_of(&other))))
            }
        }
    }

    /// The path of a field.
    pub(crate) fn path(&self, field: &str) -> String {
        if self.prefix.is_empty() { field.to_owned() } else { format!("{}.{field}", self.prefix) }
    }

    /// A field that may be left out; `null` counts as left out.
    pub(crate) fn optional<Value: DeserializeOwned>(&mut self, field: &'static str) -> Option<Value> {
        self.known.push(field);
        match self.map.remove(field) {
            None | Some(serde_json::Value::Null) => None,
            Some(value) => match serde_json::from_value(value) {
                Ok(value) => Some(value),
                Err(error) => {
                    self.refuse(field, "type", error.to_string());
                    None
                }
            },
        }
    }

    /// A field that must be there.
    pub(crate) fn required<Value: DeserializeOwned>(&mut self, field: &'static str) -> Option<Value> {
        if !self.map.contains_key(field) {
            self.known.push(field);
            self.refuse(field, "required", "is required".to_owned());
            return None;
        }
        let before = self.problems.len();
        let value = self.optional(field);
        if value.is_none() && self.problems.len() == before {
            self.refuse(field, "required", "must not be null".to_owned());
        }
        value
    }

    /// Notes that a field breaks a rule.
    pub(crate) fn refuse(&mut self, field: &str, rule: &str, message: impl Into<String>) {
        let path = self.path(field);
        self.problems.push(FieldProblem::new(path, rule, message));
    }

    /// Notes rules broken inside this object.
    pub(crate) fn refuse_all(&mut self, problems: impl IntoIterator<Item = FieldProblem>) {
        self.problems.extend(problems);
    }

    /// Refuses what was not asked for, and returns everything that was refused.
    pub(crate) fn finish(mut self) -> Vec<FieldProblem> {
        let unknown: Vec<String> = self.map.keys().cloned().collect();
        for field in unknown {
            let known = self.known.join(", ");
            let message = if known.is_empty() {
                "is unknown; no fields are known here".to_owned()
            } else {
                format!("is unknown; known are {known}")
            };
            self.refuse(&field, "unknown", message);
        }
        self.problems
    }

    /// As [`Fields::finish`], as a result.
    pub(crate) fn check(self) -> Result<(), Problem> {
        let problems = self.finish();
        if problems.is_empty() { Ok(()) } else { Err(Problem::invalid(problems)) }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_broken_rule_is_named_with_its_place() {
        let value = json!({"count": "three", "surprise": 1, "label": null});
        let mut fields = Fields::of("executions[2]", value).expect("an object");
        assert_eq!(fields.optional::<i64>("count"), None);
        assert_eq!(fields.optional::<String>("label"), None);
        assert_eq!(fields.required::<String>("action"), None);
        let problems = fields.finish();
        let named: Vec<_> = problems.iter().map(|problem| (problem.field.as_str(), problem.rule.as_str())).collect();
        assert_eq!(
            named,
            [
                ("executions[2].count", "type"),
                ("executions[2].action", "required"),
                ("executions[2].surprise", "unknown")
            ]
        );
        assert_eq!(problems[2].message, "is unknown; known are count, label, action");
    }

    #[test]
    fn anything_but_an_object_is_refused() {
        assert_eq!(Fields::of("", json!([])).expect_err("refused").message, "must be an object, not a list");
    }

    #[test]
    fn null_is_no_value_for_a_required_field() {
        let mut fields = Fields::of("", json!({"action": null})).expect("an object");
        assert_eq!(fields.required::<String>("action"), None);
        assert_eq!(fields.finish()[0].rule, "required");
    }
}
