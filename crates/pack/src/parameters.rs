//! Checks parameters against what an action declares, before anything starts.
//!
//! Whoever accepts requests does so. A worker does not, and is built without it: the feature `parameters` brings a
//! validator of everything that JSON Schema has, which would be a tenth of an agent's size.

use std::fmt;

use attune_types::{ActionSpec, ParameterSpec};
use serde_json::{Map, Value, json};

use crate::exact::read_json;
use crate::render::check_delivery;

/// One parameter that cannot be accepted: which, by which rule, and why in words.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ParameterProblem {
    /// The parameter, with a path into it when the problem lies deeper (`rows/0/name`).
    pub field: String,
    /// The rule that was broken: `required`, `unknown`, or a JSON-schema keyword such as `type`.
    pub rule: String,
    /// What is wrong, in words.
    pub message: String,
}

impl fmt::Display for ParameterProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.message)
    }
}

/// Checks `given` against the action and fills in defaults.
///
/// # Errors
/// Every problem at once: unknown parameters (with the nearest known name), missing required ones, and values that break
/// their schema. Values of secret parameters are never part of a message.
pub fn check_parameters(
    action: &ActionSpec,
    given: Map<String, Value>,
) -> Result<Map<String, Value>, Vec<ParameterProblem>> {
    let mut problems: Vec<ParameterProblem> =
        given.keys().filter(|name| !action.parameters.contains_key(*name)).map(|name| unknown(action, name)).collect();
    let mut complete = given;
    for (name, spec) in &action.parameters {
        match complete.get(name) {
            Some(value) => problems.extend(broken_rules(name, spec, value)),
            None => match &spec.default {
                Some(default) => {
                    complete.insert(name.clone(), default.clone());
                }
                None if spec.required => problems.push(ParameterProblem {
                    field: name.clone(),
                    rule: "required".to_owned(),
                    message: format!("is required{}", described(spec)),
                }),
                None => {}
            },
        }
    }
    if problems.is_empty() {
        problems.extend(undeliverable(action, &complete));
    }
    if problems.is_empty() { Ok(complete) } else { Err(problems) }
}

/// What the way of delivery cannot carry is refused with the request, not when a worker tries.
fn undeliverable(action: &ActionSpec, complete: &Map<String, Value>) -> Option<ParameterProblem> {
    let is_secret = |name: &str| action.parameters.get(name).is_some_and(|spec| spec.secret);
    let error = check_delivery(action.parameter_delivery, action.parameter_format, complete, is_secret).err()?;
    let field = error.parameter().unwrap_or_default().to_owned();
    Some(ParameterProblem { field, rule: "delivery".to_owned(), message: error.to_string() })
}

/// Turns the text of `name=value` into what the parameter's schema asks for: a number, a boolean, `null`, an array or an
/// object where the type says so, else the text itself. A text that does not read as its type stays a text, so that
/// [`check_parameters`] names the problem.
#[must_use]
pub fn coerce_text(action: &ActionSpec, name: &str, text: &str) -> Value {
    let types = action.parameters.get(name).map(|spec| declared_types(spec)).unwrap_or_default();
    if types.is_empty() || types.contains(&"string") {
        return Value::String(text.to_owned());
    }
    match read_json(text.as_bytes()) {
        Ok(value) if types.iter().any(|kind| is_of_type(&value, kind)) => value,
        _ => Value::String(text.to_owned()),
    }
}

/// Why a parameter's inline schema is not a JSON schema; `None` when it is one.
#[must_use]
pub(crate) fn schema_problem(schema: &Value) -> Option<String> {
    jsonschema::validator_for(schema).err().map(|error| error.to_string())
}

fn unknown(action: &ActionSpec, name: &str) -> ParameterProblem {
    let known: Vec<&str> = action.parameters.keys().map(String::as_str).collect();
    let message = match crate::suggestion::nearest(name, &known) {
        Some(near) => format!("is not a parameter of {}; did you mean {near:?}?", action.action_ref),
        None if known.is_empty() => format!("is not a parameter of {}, which has none", action.action_ref),
        None => format!("is not a parameter of {}; it has: {}", action.action_ref, known.join(", ")),
    };
    ParameterProblem { field: name.to_owned(), rule: "unknown".to_owned(), message }
}

fn broken_rules(name: &str, spec: &ParameterSpec, value: &Value) -> Vec<ParameterProblem> {
    let schema = Value::Object(spec.schema.clone());
    let Ok(validator) = jsonschema::validator_for(&schema) else {
        return vec![ParameterProblem {
            field: name.to_owned(),
            rule: "schema".to_owned(),
            message: "its schema in the pack is not valid; run `attune pack check`".to_owned(),
        }];
    };
    validator
        .iter_errors(value)
        .map(|error| {
            let path = error.instance_path().to_string();
            let rule = error.schema_path().to_string().rsplit('/').next().unwrap_or_default().to_owned();
            let message = if spec.secret {
                format!("breaks the rule {rule:?} (value not shown)")
            } else if rule == "type" && path.is_empty() {
                format!("must be {}, got {}", in_words(&declared_types(spec)), shown(value))
            } else {
                shortened(&error.to_string())
            };
            ParameterProblem { field: format!("{name}{path}"), rule, message }
        })
        .collect()
}

fn declared_types(spec: &ParameterSpec) -> Vec<&str> {
    match spec.schema.get("type") {
        Some(Value::String(kind)) => vec![kind.as_str()],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_of_type(value: &Value, kind: &str) -> bool {
    match kind {
        // Beyond 2^53 a number with a fraction part has lost digits; then the text is refused instead of changed.
        "integer" => {
            let whole = |number: f64| number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(whole)
        }
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => false,
    }
}

/// A value short enough for one line.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// A message that repeats a large value is cut: it is read by people.
fn shortened(message: &str) -> String {
    match message.char_indices().nth(300) {
        Some((end, _)) => format!("{}...", &message[..end]),
        None => message.to_owned(),
    }
}

/// `an integer or null`.
fn in_words(types: &[&str]) -> String {
    let words: Vec<String> = types
        .iter()
        .map(|kind| match *kind {
            "null" => "null".to_owned(),
            "integer" | "array" | "object" => format!("an {kind}"),
            _ => format!("a {kind}"),
        })
        .collect();
    words.join(" or ")
}

fn described(spec: &ParameterSpec) -> String {
    match spec.schema.get("description").unwrap_or(&json!(null)) {
        Value::String(text) => format!(" ({})", text.trim_end_matches('.')),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action() -> ActionSpec {
        serde_json::from_value(json!({
            "ref": "demo.count", "runner_type": "python", "entry_point": "count.py",
            "parameters": {
                "name": {"type": "string", "minLength": 1, "required": true, "description": "Whom to greet."},
                "n": {"type": "integer", "minimum": 1, "default": 3},
                "tags": {"type": "array", "items": {"type": "string"}},
                "token": {"type": "string", "minLength": 8, "secret": true},
            },
        }))
        .expect("an action")
    }

    fn check(given: Value) -> Result<Map<String, Value>, Vec<String>> {
        let Value::Object(given) = given else { panic!("an object") };
        check_parameters(&action(), given).map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn defaults_complete_what_was_given() {
        assert_eq!(Value::Object(check(json!({"name": "Ada"})).expect("accepted")), json!({"name": "Ada", "n": 3}));
    }

    #[test]
    fn every_problem_names_its_field_and_rule() {
        assert_eq!(check(json!({})), Err(vec!["name: is required (Whom to greet)".to_owned()]));
        assert_eq!(
            check(json!({"name": "Ada", "n": "three"})),
            Err(vec!["n: must be an integer, got \"three\"".to_owned()])
        );
        assert_eq!(
            check(json!({"name": "Ada", "nmae": 1})),
            Err(vec!["nmae: is not a parameter of demo.count; did you mean \"name\"?".to_owned()])
        );
        let deep = check(json!({"name": "Ada", "tags": ["a", 1]})).expect_err("refused");
        assert!(deep[0].starts_with("tags/1: "), "{deep:?}");
        assert_eq!(check(json!({"name": "", "n": 0})).expect_err("refused").len(), 2);
    }

    #[test]
    fn a_secret_value_is_never_part_of_a_message() {
        let problems = check(json!({"name": "Ada", "token": "hunter2"})).expect_err("too short");
        assert!(!problems[0].contains("hunter2"), "{problems:?}");
    }

    #[test]
    fn text_becomes_what_the_schema_asks_for() {
        let action = action();
        assert_eq!(coerce_text(&action, "n", "4"), json!(4));
        assert_eq!(coerce_text(&action, "n", "four"), json!("four"));
        assert_eq!(coerce_text(&action, "n", "12345678901234567890123"), json!("12345678901234567890123"));
        assert_eq!(coerce_text(&action, "name", "4"), json!("4"));
        assert_eq!(coerce_text(&action, "tags", "[\"a\"]"), json!(["a"]));
        assert_eq!(coerce_text(&action, "new", "true"), json!("true"));
    }

    #[test]
    fn what_cannot_be_delivered_is_refused_with_the_request() {
        let given = |value: &str| json!({"name": value}).as_object().cloned().expect("an object");
        let mut action = action();
        let long = given(&"x".repeat(200_000));
        assert!(check_parameters(&action, long.clone()).is_ok());
        assert!(check_parameters(&action, given("a\0b")).is_ok(), "JSON holds it");
        action.parameter_delivery = attune_types::ParameterDelivery::Env;
        for refused in [long, given("a\0b")] {
            let problems = check_parameters(&action, refused).expect_err("refused");
            assert_eq!((problems[0].field.as_str(), problems[0].rule.as_str()), ("name", "delivery"));
            assert!(problems[0].message.contains("parameter_delivery: stdin"), "{}", problems[0].message);
        }
        let mut secret = given("x");
        secret.insert("token".into(), json!("s".repeat(200_000)));
        assert!(check_parameters(&action, secret).is_ok(), "secrets never stand in the environment");
    }

    #[test]
    fn a_schema_that_would_be_fetched_from_elsewhere_is_refused() {
        for place in ["file:///etc/passwd", "http://127.0.0.1:1/schema.json", "https://json-schema.org/nowhere"] {
            assert!(schema_problem(&json!({"$ref": place})).is_some(), "{place}");
        }
        assert_eq!(schema_problem(&json!({"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}})), None);
    }

    #[test]
    fn a_message_about_a_large_value_stays_short() {
        let problems = check(json!({"name": "Ada", "tags": "x".repeat(100_000)})).expect_err("refused");
        assert!(problems[0].len() < 400, "{}", problems[0].len());
    }
}
