//! Outputs that are marked `secret` in an action's `output_schema`.

use serde_json::Value;

/// What is shown in place of a secret.
const MASK: &str = "***";

/// Keywords whose values are a schema, an array of schemas, or schemas by name.
const ONE: &[&str] = &["items", "additionalProperties", "contains", "if", "then", "else", "not"];
const SEVERAL: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];
const NAMED: &[&str] = &["properties", "patternProperties", "dependentSchemas"];

/// Whether a schema marks anything as secret.
#[must_use]
pub fn has_secret_outputs(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => {
            fields.get("secret") == Some(&Value::Bool(true)) || parts(schema).into_iter().any(has_secret_outputs)
        }
        _ => false,
    }
}

fn parts(schema: &Value) -> Vec<&Value> {
    let mut found: Vec<&Value> = ONE.iter().filter_map(|keyword| schema.get(keyword)).collect();
    found.extend(SEVERAL.iter().filter_map(|keyword| schema.get(keyword)?.as_array()).flatten());
    found.extend(NAMED.iter().filter_map(|keyword| schema.get(keyword)?.as_object()).flat_map(|named| named.values()));
    found
}

/// Puts `***` in the place of every output that the schema marks as secret. What a schema says through `$ref` or a pattern
/// is not followed: a mark stands where the value is described.
pub fn mask_secret_outputs(schema: &Value, value: &mut Value) {
    if schema.get("secret") == Some(&Value::Bool(true)) {
        *value = Value::from(MASK);
        return;
    }
    for part in SEVERAL[..3].iter().filter_map(|keyword| schema.get(keyword)?.as_array()).flatten() {
        mask_secret_outputs(part, value);
    }
    for part in ["if", "then", "else"].iter().filter_map(|keyword| schema.get(keyword)) {
        mask_secret_outputs(part, value);
    }
    let named = schema.get("properties").and_then(Value::as_object);
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match (named.and_then(|named| named.get(name)), schema.get("additionalProperties")) {
                    (Some(part), _) | (None, Some(part)) => mask_secret_outputs(part, field),
                    (None, None) => {}
                }
            }
        }
        Value::Array(items) => {
            let first = schema.get("prefixItems").and_then(Value::as_array);
            for (index, item) in items.iter_mut().enumerate() {
                match (first.and_then(|first| first.get(index)), schema.get("items")) {
                    (Some(part), _) | (None, Some(part)) => mask_secret_outputs(part, item),
                    (None, None) => {}
                }
            }
        }
        _ => {}
    }
}

/// Where a mark stands that is never looked at.
pub(crate) fn misplaced_mark(schema: &Value) -> Option<&'static str> {
    ["patternProperties", "dependentSchemas", "not", "contains", "$defs", "definitions"]
        .into_iter()
        .find(|keyword| schema.get(keyword).is_some_and(mentions_secret))
        .or_else(|| parts(schema).into_iter().find_map(misplaced_mark))
}

fn mentions_secret(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            fields.get("secret") == Some(&Value::Bool(true)) || fields.values().any(mentions_secret)
        }
        Value::Array(items) => items.iter().any(mentions_secret),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn marked_outputs_are_masked_wherever_they_are_and_others_stay() {
        for (schema, value, shown) in [
            (json!({"secret": true}), json!({"a": 1}), json!("***")),
            (
                json!({"properties": {"t": {"secret": true}, "o": {"properties": {"k": {"type": "string", "secret": true}}}}}),
                json!({"t": "x", "o": {"k": "y", "n": 1}, "z": "t"}),
                json!({"t": "***", "o": {"k": "***", "n": 1}, "z": "t"}),
            ),
            (
                json!({"items": {"properties": {"t": {"secret": true}}}}),
                json!([{"t": 1, "u": 2}, {"u": 3}]),
                json!([{"t": "***", "u": 2}, {"u": 3}]),
            ),
            (
                json!({"properties": {"a": {}}, "additionalProperties": {"secret": true}}),
                json!({"a": 1, "b": 2}),
                json!({"a": 1, "b": "***"}),
            ),
            (json!({"allOf": [{"properties": {"t": {"secret": true}}}]}), json!({"t": 1}), json!({"t": "***"})),
        ] {
            assert!(has_secret_outputs(&schema), "{schema}");
            let mut masked = value.clone();
            mask_secret_outputs(&schema, &mut masked);
            assert_eq!(masked, shown, "{schema} {value}");
        }
        let plain = json!({"properties": {"secret": {"type": "string"}}});
        let mut value = json!({"secret": "is only a name here"});
        mask_secret_outputs(&plain, &mut value);
        assert_eq!(value, json!({"secret": "is only a name here"}));
        assert!(!has_secret_outputs(&plain));
    }

    #[test]
    fn a_mark_where_nobody_looks_is_found() {
        assert_eq!(misplaced_mark(&json!({"$defs": {"t": {"secret": true}}})), Some("$defs"));
        assert_eq!(
            misplaced_mark(&json!({"properties": {"a": {"patternProperties": {"x": {"secret": true}}}}})),
            Some("patternProperties")
        );
        assert_eq!(misplaced_mark(&json!({"properties": {"a": {"secret": true}}})), None);
    }
}
