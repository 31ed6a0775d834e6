//! When two values are the same to JSON Schema.

use std::cmp::Ordering;

use serde_json::Value;

use super::number;

/// Whether they are the same: numbers by value, objects whatever their order.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => number::compare(left, right) == Ordering::Equal,
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, left)| right.get(name).is_some_and(|right| same(left, right)))
        }
        _ => left == right,
    }
}

/// Whether no two of them are the same. They are sorted first: comparing all with all would take hours for a mebibyte.
pub(super) fn all_differ(items: &[Value]) -> bool {
    let mut sorted: Vec<&Value> = items.iter().collect();
    sorted.sort_unstable_by(|left, right| order(left, right));
    sorted.windows(2).all(|pair| order(pair[0], pair[1]) != Ordering::Equal)
}

/// An order in which the same values, and no others, are equal.
fn order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Number(left), Value::Number(right)) => number::compare(left, right),
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Array(left), Value::Array(right)) => {
            let differing = left.iter().zip(right).map(|(left, right)| order(left, right)).find(|by| by.is_ne());
            differing.unwrap_or_else(|| left.len().cmp(&right.len()))
        }
        // The maps here keep their names sorted.
        (Value::Object(left), Value::Object(right)) => {
            let pairs = left.iter().zip(right);
            let compared = pairs.map(|((name, left), (other, right))| name.cmp(other).then_with(|| order(left, right)));
            compared.into_iter().find(|by| by.is_ne()).unwrap_or_else(|| left.len().cmp(&right.len()))
        }
        _ => rank(left).cmp(&rank(right)),
    }
}

const fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}
