//! Whether a schema is one: every keyword has a value that it can work with, and is known here.

use std::collections::HashSet;

use serde_json::Value;

use super::assertions::count;
use super::draft::Draft;
use super::pattern;
use super::reference::resolve;
use crate::pointer;

/// Keywords whose value is a schema, several of them, or schemas by name.
const ONE: &[&str] = &[
    "additionalItems",
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
const SEVERAL: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];
const NAMED: &[&str] = &["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"];

const COUNTS: &[&str] =
    &["maxContains", "maxItems", "maxLength", "maxProperties", "minContains", "minItems", "minLength", "minProperties"];
const NUMBERS: &[&str] = &["exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"];
const TYPES: &[&str] = &["array", "boolean", "integer", "null", "number", "object", "string"];

/// Of no draft that could be kept here: they depend on which schema led to a schema.
const DYNAMIC: &[&str] = &["$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef", "$vocabulary"];
/// Rules of draft-07 that later drafts only describe.
const RULES_ONCE: &[&str] = &["contentEncoding", "contentMediaType", "format"];
/// Words that came with 2019-09, and mean nothing in draft-07.
const SINCE_NINETEEN: &[&str] = &[
    "$anchor",
    "dependentRequired",
    "dependentSchemas",
    "maxContains",
    "minContains",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Why `root` is no schema of the draft, or none that can be used; `None` when it is one.
pub(super) fn problem(draft: Draft, root: &Value) -> Option<String> {
    // Not by calling itself: who writes a schema decides how deep it is.
    let mut open = vec![(String::new(), root)];
    let mut seen = HashSet::new();
    while let Some((place, schema)) = open.pop() {
        if !seen.insert(std::ptr::from_ref(schema)) {
            continue;
        }
        let fields = match schema {
            Value::Bool(_) => continue,
            Value::Object(fields) => fields,
            _ => return Some(format!("{place}: a schema is an object, true or false")),
        };
        for (keyword, value) in fields {
            let here = format!("{place}/{}", pointer::step(keyword));
            if let Some(problem) = unusable(draft, keyword, value).or_else(|| misplaced_name(&place, keyword, value)) {
                return Some(format!("{here}: {problem}"));
            }
            open.extend(inner(&here, keyword, value));
            if keyword == "$ref" {
                // It may lead where no keyword does.
                match resolve(root, value.as_str().unwrap_or_default()) {
                    Ok(target) => open.push((here, target)),
                    Err(problem) => return Some(format!("{here}: {problem}")),
                }
            }
        }
    }
    None
}

/// The schemas in a keyword.
fn inner<'a>(here: &str, keyword: &str, value: &'a Value) -> Vec<(String, &'a Value)> {
    let listed = |items: &'a [Value]| items.iter().enumerate().map(|(index, item)| (format!("{here}/{index}"), item));
    match value {
        Value::Array(items) if SEVERAL.contains(&keyword) || keyword == "items" => listed(items).collect(),
        Value::Object(named) if NAMED.contains(&keyword) => named
            .iter()
            .filter(|(_, schema)| keyword != "dependencies" || !schema.is_array())
            .map(|(name, schema)| (format!("{here}/{}", pointer::step(name)), schema))
            .collect(),
        schema if ONE.contains(&keyword) => vec![(here.to_owned(), schema)],
        _ => Vec::new(),
    }
}

fn unusable(draft: Draft, keyword: &str, value: &Value) -> Option<String> {
    if DYNAMIC.contains(&keyword) {
        return Some("is not supported in an output_schema; use $ref".to_owned());
    }
    if draft == Draft::Seven && RULES_ONCE.contains(&keyword) {
        return Some(
            "is not checked in an output_schema; use pattern, or a later $schema, where it describes".to_owned(),
        );
    }
    if (draft == Draft::Seven && SINCE_NINETEEN.contains(&keyword))
        || (draft < Draft::Twenty && keyword == "prefixItems")
    {
        return Some("means nothing in the draft that $schema names".to_owned());
    }
    let is_usable = match keyword {
        "$ref" | "$anchor" => value.is_string(),
        "type" => is_type(value),
        "enum" => value.as_array().is_some_and(|values| !values.is_empty()),
        "required" => is_names(value),
        "dependentRequired" => value.as_object().is_some_and(|named| named.values().all(is_names)),
        "dependencies" => {
            value.as_object().is_some_and(|named| named.values().all(|value| !value.is_array() || is_names(value)))
        }
        "uniqueItems" => value.is_boolean(),
        "items" if value.is_array() && draft == Draft::Twenty => {
            return Some("a list of schemas is called prefixItems since 2020-12".to_owned());
        }
        "multipleOf" => value.as_f64().is_some_and(|number| number > 0.0),
        "pattern" => match value.as_str().map(pattern::compile) {
            Some(Ok(_)) => true,
            Some(Err(problem)) => return Some(problem),
            None => false,
        },
        "patternProperties" => {
            let named = value.as_object();
            if let Some(problem) = named.and_then(|named| named.keys().find_map(|name| pattern::compile(name).err())) {
                return Some(problem);
            }
            named.is_some()
        }
        _ if COUNTS.contains(&keyword) => count(Some(value)).is_some(),
        _ if NUMBERS.contains(&keyword) => value.is_number(),
        _ if SEVERAL.contains(&keyword) => value.as_array().is_some_and(|schemas| !schemas.is_empty()),
        _ if NAMED.contains(&keyword) => value.is_object(),
        _ => true,
    };
    (!is_usable).then(|| format!("{} cannot stand here", super::shown::shown(value)))
}

/// A part with a name of its own would make references in it mean something else.
fn misplaced_name(place: &str, keyword: &str, value: &Value) -> Option<String> {
    let is_name = keyword == "$id" && !place.is_empty() && value.as_str().is_some_and(|id| !id.starts_with('#'));
    is_name.then(|| "only the whole schema may have one".to_owned())
}

fn is_type(value: &Value) -> bool {
    let is_known = |value: &Value| value.as_str().is_some_and(|kind| TYPES.contains(&kind));
    match value {
        Value::Array(kinds) => !kinds.is_empty() && kinds.iter().all(is_known),
        kind => is_known(kind),
    }
}

fn is_names(value: &Value) -> bool {
    value.as_array().is_some_and(|names| names.iter().all(Value::is_string))
}
