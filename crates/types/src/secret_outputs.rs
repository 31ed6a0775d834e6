//! Outputs that an action's `output_schema` marks as `secret`.

use serde_json::Value;

/// Keywords whose values are a schema, an array of schemas, or schemas by name.
const ONE: &[&str] = &["items", "additionalProperties", "contains", "if", "then", "else", "not"];
const SEVERAL: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];
const NAMED: &[&str] = &["properties", "patternProperties", "dependentSchemas"];

/// Whether a schema marks anything as secret.
#[must_use]
pub fn has_secret_outputs(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => {
            fields.get("secret") == Some(&Value::Bool(true)) || schema_parts(schema).into_iter().any(has_secret_outputs)
        }
        _ => false,
    }
}

/// The schemas that stand directly inside a schema.
#[must_use]
pub fn schema_parts(schema: &Value) -> Vec<&Value> {
    let mut found: Vec<&Value> = ONE.iter().filter_map(|keyword| schema.get(keyword)).collect();
    found.extend(SEVERAL.iter().filter_map(|keyword| schema.get(keyword)?.as_array()).flatten());
    found.extend(NAMED.iter().filter_map(|keyword| schema.get(keyword)?.as_object()).flat_map(|named| named.values()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_mark_is_found_wherever_it_stands_and_a_name_is_no_mark() {
        for schema in [
            json!({"secret": true}),
            json!({"properties": {"a": {"items": {"secret": true}}}}),
            json!({"allOf": [{"additionalProperties": {"secret": true}}]}),
        ] {
            assert!(has_secret_outputs(&schema), "{schema}");
        }
        for schema in [json!({"properties": {"secret": {"type": "string"}}}), json!({"secret": false}), json!(true)] {
            assert!(!has_secret_outputs(&schema), "{schema}");
        }
    }
}
