//! The rules of a schema that look at one value alone, without other schemas.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::breach::Breach;
use super::equality::{all_differ, same};
use super::number::{compare, is_multiple, is_whole};
use super::shown::{shown, shown_text};

/// Checks a value against all of them; rules that are for values of other types do not matter.
pub(super) fn check(schema: &Map<String, Value>, value: &Value) -> Result<(), Breach> {
    let broken = any_value(schema, value).or_else(|| match value {
        Value::Number(number) => of_number(schema, number),
        Value::String(text) => of_text(schema, text),
        Value::Array(items) => of_list(schema, items),
        Value::Object(fields) => of_object(schema, fields),
        Value::Null | Value::Bool(_) => None,
    });
    broken.map_or(Ok(()), |message| Err(Breach::here(message)))
}

/// A number of things, however it is written.
pub(super) fn count(value: Option<&Value>) -> Option<u64> {
    let number = value?.as_number()?;
    number.as_u64().or_else(|| number.as_f64().filter(|real| is_whole(number) && *real >= 0.0).map(|real| real as u64))
}

fn any_value(schema: &Map<String, Value>, value: &Value) -> Option<String> {
    if let Some(types) = schema.get("type") {
        let kinds: Vec<&str> = match types {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if !kinds.iter().any(|kind| is_of_type(value, kind)) {
            let names: Vec<String> = kinds.iter().map(|kind| format!("{kind:?}")).collect();
            let plural = if names.len() == 1 { "" } else { "s" };
            return Some(format!("{} is not of type{plural} {}", shown(value), names.join(", ")));
        }
    }
    if let Some(Value::Array(allowed)) = schema.get("enum")
        && !allowed.iter().any(|one| same(one, value))
    {
        return Some(format!("{} is not one of {}", shown(value), shown(&schema["enum"])));
    }
    let wanted = schema.get("const").filter(|wanted| !same(wanted, value))?;
    Some(format!("{} was expected, not {}", shown(wanted), shown(value)))
}

fn is_of_type(value: &Value, kind: &str) -> bool {
    match (kind, value) {
        ("integer", Value::Number(number)) => is_whole(number),
        ("number", Value::Number(_))
        | ("string", Value::String(_))
        | ("boolean", Value::Bool(_))
        | ("array", Value::Array(_))
        | ("object", Value::Object(_))
        | ("null", Value::Null) => true,
        _ => false,
    }
}

fn of_number(schema: &Map<String, Value>, number: &Number) -> Option<String> {
    let bound = |name: &str| schema.get(name).and_then(Value::as_number);
    for (keyword, is_kept, words) in [
        ("minimum", Ordering::is_ge as fn(Ordering) -> bool, "less than the minimum of"),
        ("maximum", Ordering::is_le, "greater than the maximum of"),
        ("exclusiveMinimum", Ordering::is_gt, "less than or equal to the exclusive minimum of"),
        ("exclusiveMaximum", Ordering::is_lt, "greater than or equal to the exclusive maximum of"),
    ] {
        if let Some(bound) = bound(keyword).filter(|bound| !is_kept(compare(number, bound))) {
            return Some(format!("{number} is {words} {bound}"));
        }
    }
    let divisor = bound("multipleOf").filter(|divisor| !is_multiple(number, divisor))?;
    Some(format!("{number} is not a multiple of {divisor}"))
}

fn of_text(schema: &Map<String, Value>, text: &str) -> Option<String> {
    let (least, most) = (count(schema.get("minLength")), count(schema.get("maxLength")));
    if least.is_none() && most.is_none() {
        return None;
    }
    let length = text.chars().count() as u64;
    let value = || shown_text(text);
    match (least.filter(|least| length < *least), most.filter(|most| length > *most)) {
        (Some(least), _) => Some(format!("{} is shorter than {least} characters", value())),
        (_, Some(most)) => Some(format!("{} is longer than {most} characters", value())),
        (None, None) => None,
    }
}

fn of_list(schema: &Map<String, Value>, items: &[Value]) -> Option<String> {
    let is_repeating = || schema.get("uniqueItems") == Some(&Value::Bool(true)) && !all_differ(items);
    of_size(schema, ["minItems", "maxItems"], items.len(), "items")
        .or_else(|| is_repeating().then(|| "has non-unique elements".to_owned()))
}

/// Whether there are as many as `keywords`, the least and the most, allow.
fn of_size(schema: &Map<String, Value>, keywords: [&str; 2], size: usize, of_what: &str) -> Option<String> {
    let [least, most] = keywords.map(|keyword| count(schema.get(keyword)));
    let size = size as u64;
    if let Some(least) = least.filter(|least| size < *least) {
        return Some(format!("has {size} {of_what}, which is less than {least}"));
    }
    let most = most.filter(|most| size > *most)?;
    Some(format!("has {size} {of_what}, which is more than {most}"))
}

fn of_object(schema: &Map<String, Value>, fields: &Map<String, Value>) -> Option<String> {
    if let Some(problem) = of_size(schema, ["minProperties", "maxProperties"], fields.len(), "properties") {
        return Some(problem);
    }
    if let Some(name) = missing(schema.get("required"), fields) {
        return Some(format!("{name:?} is a required property"));
    }
    // `dependencies` is what draft-07 calls both of its successors.
    for keyword in ["dependentRequired", "dependencies"] {
        for (name, required) in schema.get(keyword).and_then(Value::as_object).into_iter().flatten() {
            if let Some(other) = fields.get(name).and_then(|_| missing(Some(required), fields)) {
                return Some(format!("{other:?} is a required property beside {name:?}"));
            }
        }
    }
    None
}

fn missing<'a>(required: Option<&'a Value>, fields: &Map<String, Value>) -> Option<&'a str> {
    let names = required.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    names.into_iter().find(|name| !fields.contains_key(*name))
}
