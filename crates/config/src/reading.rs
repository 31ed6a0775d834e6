//! From the merged layers to checked values: every key read by its kind.

use std::collections::BTreeMap;

use config::{Value, ValueKind};
use serde_json::{Map, Value as Json};

use crate::error::ConfigError;
use crate::key::Key;
use crate::keys::KEYS;
use crate::layers::Layer;
use crate::problem::Problem;
use crate::setting::Setting;

/// What reading gives: the nested tree that the sections are made from, and each setting as it may be shown.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) tree: Json,
    pub(crate) settings: Vec<Setting>,
}

/// Puts the layers on top of each other, weakest first, and reads every key.
pub(crate) fn read(layers: Vec<Layer>, problems: &mut Vec<Problem>) -> Result<Read, ConfigError> {
    let inconsistent = |error: config::ConfigError| ConfigError::Inconsistent { message: error.to_string() };
    let mut builder = config::Config::builder();
    for layer in layers {
        builder = builder.add_source(layer);
    }
    let merged = builder.build().map_err(inconsistent)?;
    let mut settings = Vec::with_capacity(KEYS.len());
    let mut tree = Map::new();
    let mut shown_texts: BTreeMap<&str, String> = BTreeMap::new();
    for key in KEYS {
        let raw = at(&merged.cache, key.path)?;
        let origin = raw.origin().unwrap_or("default").to_owned();
        let raw = if origin == "default" { derived(raw, &shown_texts) } else { raw };
        let (value, shown) = match raw.kind {
            ValueKind::Nil => (Json::Null, None),
            _ => match key.kind.read(&raw) {
                Ok(reading) => (reading.tree, Some(reading.shown)),
                Err(message) => {
                    problems.push(Problem { key: key.path.to_owned(), message, origin });
                    continue;
                }
            },
        };
        if let Some(shown) = &shown {
            shown_texts.insert(key.path, shown.clone());
        }
        place(&mut tree, key, value);
        settings.push(Setting { key, shown, origin });
    }
    Ok(Read { tree: Json::Object(tree), settings })
}

/// The merged value of a key. `Config::get` would give it without its origin.
fn at(merged: &Value, path: &str) -> Result<Value, ConfigError> {
    let mut value = merged;
    for part in path.split('.') {
        let inner = match &value.kind {
            ValueKind::Table(table) => table.get(part),
            _ => None,
        };
        value = inner.ok_or_else(|| ConfigError::Inconsistent { message: format!("{path} is in no layer") })?;
    }
    Ok(value.clone())
}

/// Fills `{paths.state_dir}` in a default with that key's value, which stands before it in the table.
fn derived(raw: Value, shown_texts: &BTreeMap<&str, String>) -> Value {
    const STATE: &str = "paths.state_dir";
    match (&raw.kind, shown_texts.get(STATE)) {
        (ValueKind::String(text), Some(state)) => {
            Value::new(Some(&"default".to_owned()), text.replace(&format!("{{{STATE}}}"), state))
        }
        _ => raw,
    }
}

fn place(tree: &mut Map<String, Json>, key: &Key, value: Json) {
    let mut table = tree;
    let mut parts = key.path.split('.').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            table.insert(part.to_owned(), value);
            return;
        }
        let inner = table.entry(part).or_insert_with(|| Json::Object(Map::new()));
        let Json::Object(inner) = inner else { return };
        table = inner;
    }
}
