//! Outputs that are marked `secret` in an action's `output_schema`.

use attune_types::schema_parts;
use serde_json::{Map, Value};

use crate::pointer;

/// What is shown in place of a secret.
const MASK: &str = "***";

/// Keywords that hold several schemas for the same value.
const SEVERAL: &[&str] = &["allOf", "anyOf", "oneOf"];

/// Puts `***` in the place of every output that the schema marks as secret, and answers what stood there, by JSON pointer
/// (RFC 6901). What a schema says through `$ref` or a pattern is not followed: a mark stands where the value is described.
pub fn take_secret_outputs(schema: &Value, value: &mut Value) -> Map<String, Value> {
    let mut taken = Map::new();
    take(schema, value, "", &mut taken);
    taken
}

/// Puts what [`take_secret_outputs`] took back in its places. A place that is not there (any more) is left out.
pub fn put_secret_outputs(value: &mut Value, taken: Map<String, Value>) {
    for (pointer, secret) in taken {
        if let Some(place) = value.pointer_mut(&pointer) {
            *place = secret;
        }
    }
}

fn take(schema: &Value, value: &mut Value, at: &str, taken: &mut Map<String, Value>) {
    if schema.get("secret") == Some(&Value::Bool(true)) {
        // What is marked inside of it was taken before when several schemas describe it: it is put back first, because
        // the whole is taken now.
        let inside: Vec<String> = taken.keys().filter(|known| is_inside(known, at)).cloned().collect();
        for pointer in inside {
            if let (Some(secret), Some(place)) = (taken.remove(&pointer), value.pointer_mut(&pointer[at.len()..])) {
                *place = secret;
            }
        }
        taken.insert(at.to_owned(), std::mem::replace(value, Value::from(MASK)));
        return;
    }
    for part in SEVERAL.iter().filter_map(|keyword| schema.get(keyword)?.as_array()).flatten() {
        take_unless_taken(part, value, at, taken);
    }
    for part in ["if", "then", "else"].iter().filter_map(|keyword| schema.get(keyword)) {
        take_unless_taken(part, value, at, taken);
    }
    let named = schema.get("properties").and_then(Value::as_object);
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let part = named.and_then(|named| named.get(name)).or_else(|| schema.get("additionalProperties"));
                if let Some(part) = part {
                    take_unless_taken(part, field, &format!("{at}/{}", pointer::step(name)), taken);
                }
            }
        }
        Value::Array(items) => {
            let first = schema.get("prefixItems").and_then(Value::as_array);
            for (index, item) in items.iter_mut().enumerate() {
                let part = first.and_then(|first| first.get(index)).or_else(|| schema.get("items"));
                if let Some(part) = part {
                    take_unless_taken(part, item, &format!("{at}/{index}"), taken);
                }
            }
        }
        _ => {}
    }
}

/// Several schemas may describe one value: what one of them took, the next must not take again, mask and all.
fn take_unless_taken(schema: &Value, value: &mut Value, at: &str, taken: &mut Map<String, Value>) {
    if !taken.contains_key(at) {
        take(schema, value, at, taken);
    }
}

fn is_inside(pointer: &str, at: &str) -> bool {
    pointer.strip_prefix(at).is_some_and(|rest| rest.starts_with('/'))
}

/// Where a mark stands that is never looked at.
pub(crate) fn misplaced_mark(schema: &Value) -> Option<&'static str> {
    ["patternProperties", "dependentSchemas", "not", "contains", "$defs", "definitions"]
        .into_iter()
        .find(|keyword| schema.get(keyword).is_some_and(mentions_secret))
        .or_else(|| schema_parts(schema).into_iter().find_map(misplaced_mark))
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
            // Two descriptions of one value, both secret; and one that takes the whole after another took a part.
            (
                json!({"properties": {"t": {"secret": true}}, "allOf": [{"properties": {"t": {"secret": true}}}]}),
                json!({"t": {"a/b~c": 1}}),
                json!({"t": "***"}),
            ),
            (
                json!({"allOf": [{"properties": {"t": {"properties": {"k": {"secret": true}}}}}],
                    "properties": {"t": {"secret": true}}}),
                json!({"t": {"k": "y", "n": 1}}),
                json!({"t": "***"}),
            ),
            (json!({"additionalProperties": {"secret": true}}), json!({"a/b~c": 1}), json!({"a/b~c": "***"})),
        ] {
            let mut masked = value.clone();
            let taken = take_secret_outputs(&schema, &mut masked);
            assert_eq!(masked, shown, "{schema} {value}");
            assert!(!taken.is_empty());
            put_secret_outputs(&mut masked, taken);
            assert_eq!(masked, value, "{schema}: what was taken goes back where it was");
        }
        let plain = json!({"properties": {"secret": {"type": "string"}}});
        let mut value = json!({"secret": "is only a name here"});
        assert!(take_secret_outputs(&plain, &mut value).is_empty());
        assert_eq!(value, json!({"secret": "is only a name here"}));
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
