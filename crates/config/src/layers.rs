//! One layer of values each for defaults, file, environment and command line. A layer knows only keys that exist:
//! what is unknown has become a problem here.

use std::path::{Path, PathBuf};

use config::{Map, Source, Value, ValueKind};

use crate::environment::Environment;
use crate::key::Key;
use crate::keys::{self, KEYS};
use crate::problem::Problem;
use crate::secret_url::SecretUrl;
use crate::suggestion::closest;

/// Files larger than this are no configuration.
const MOST_FILE_BYTES: usize = 1 << 20;
/// Files larger than this are no credential.
const MOST_CREDENTIAL_BYTES: usize = 64 << 10;

/// Values of one layer by the path of their key, each with its origin.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

impl Layer {
    fn set(&mut self, key: &Key, origin: &str, kind: ValueKind) {
        self.0.insert(key.path.to_owned(), Value::new(Some(&origin.to_owned()), kind));
    }

    /// The defaults of the table.
    pub(crate) fn of_defaults() -> Self {
        let mut layer = Self::default();
        for key in KEYS {
            let kind = key.default.map_or(ValueKind::Nil, |text| ValueKind::String(text.to_owned()));
            layer.set(key, "default", kind);
        }
        layer
    }

    /// What the file says.
    pub(crate) fn of_file(path: &Path, text: &str, problems: &mut Vec<Problem>) -> Self {
        let mut layer = Self::default();
        let origin = format!("file:{}", path.display());
        let mut refuse = |message: String| {
            problems.push(Problem { key: path.display().to_string(), message, origin: String::new() })
        };
        if text.len() > MOST_FILE_BYTES {
            refuse(format!("is larger than {MOST_FILE_BYTES} bytes; this is no configuration file"));
            return layer;
        }
        match table_of(text) {
            Ok(table) => layer.add_table("", table, &origin, problems),
            Err(reason) => refuse(format!("is not YAML: {}", one_line(&reason))),
        }
        layer
    }

    fn add_table(&mut self, prefix: &str, table: Map<String, Value>, origin: &str, problems: &mut Vec<Problem>) {
        let mut entries: Vec<_> = table.into_iter().collect();
        entries.sort_by(|(left, _), (right, _)| left.cmp(right));
        for (name, value) in entries {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            let mut refuse =
                |message: String| problems.push(Problem { key: shown(&path), message, origin: origin.to_owned() });
            if name.contains('.') {
                refuse("no such key; write sections as nested mappings, not with dots".to_owned());
                continue;
            }
            match (keys::find(&path), value.kind) {
                // `key:` with nothing behind it is how people leave a key out.
                (Some(_), ValueKind::Nil) => {}
                (Some(key), _) if self.0.contains_key(key.path) => {
                    refuse(format!("is another name for {}; set one of them", key.path));
                }
                (Some(key), ValueKind::Table(labels)) if key.kind == crate::Kind::Labels => match as_pairs(labels) {
                    Ok(pairs) => self.set(key, origin, pairs),
                    Err(message) => refuse(message),
                },
                // Merging would mix a mapping with the layer below, so what cannot be right is refused here already.
                (Some(key), kind @ ValueKind::Table(_)) => match key.kind.read(&Value::new(None, kind.clone())) {
                    Ok(_) => self.set(key, origin, kind),
                    Err(message) => refuse(message),
                },
                (Some(key), kind) => self.set(key, origin, kind),
                (None, ValueKind::Table(inner)) if keys::is_section(&path) => {
                    self.add_table(&path, inner, origin, problems);
                }
                (None, ValueKind::Nil) if keys::is_section(&path) => {}
                (None, _) if keys::is_section(&path) => refuse("is a section; write its keys below it".to_owned()),
                (None, _) => refuse(unknown(&path)),
            }
        }
    }

    /// What environment variables say: long names, short names, and `..._FILE` for credentials.
    pub(crate) fn of_environment(environment: &impl Environment, problems: &mut Vec<Problem>) -> Self {
        let mut variables = environment.variables();
        variables.retain(|(name, value)| name.starts_with("ATTUNE_") && !value.is_empty());
        variables.sort();
        let mut layer = Self::default();
        for (name, value) in &variables {
            if let Some(key) = KEYS.iter().find(|key| key.short_names.contains(&name.as_str())) {
                layer.set(key, &format!("environment {name}"), ValueKind::String(value.clone()));
            }
        }
        // Long names come second, so they win over short ones; two of them for one key are an error.
        let mut by_long_name: Map<&str, &str> = Map::new();
        for (name, value) in &variables {
            let Some(written) = name.strip_prefix("ATTUNE__") else { continue };
            let path = written.replace("__", ".").to_lowercase();
            let origin = format!("environment {name}");
            let mut refuse =
                |message: String| problems.push(Problem { key: name.clone(), message, origin: String::new() });
            let credential = path.strip_suffix("_file").and_then(keys::find).filter(|key| key.is_credential());
            let (key, text, origin) = match (keys::find(&path), credential) {
                (Some(key), _) => (key, value.clone(), origin),
                (None, Some(key)) => match read_credential(value) {
                    Ok(text) => (key, text, format!("file:{value} named by {origin}")),
                    Err(message) => {
                        refuse(message);
                        continue;
                    }
                },
                (None, None) => {
                    refuse(unknown_name(&path));
                    continue;
                }
            };
            if let Some(other) = by_long_name.insert(key.path, name) {
                refuse(format!("sets {} like {other}; set one of them", key.path));
                continue;
            }
            layer.set(key, &origin, ValueKind::String(text));
        }
        layer
    }

    /// What the command line says.
    pub(crate) fn of_overrides(overrides: &[(String, String)], problems: &mut Vec<Problem>) -> Self {
        let mut layer = Self::default();
        for (path, text) in overrides {
            match keys::find(path) {
                Some(key) if text.is_empty() && key.default.is_none() => {
                    layer.set(key, "command line", ValueKind::Nil);
                }
                Some(key) => layer.set(key, "command line", ValueKind::String(text.clone())),
                None => problems.push(Problem {
                    key: path.clone(),
                    message: unknown(path),
                    origin: "command line".to_owned(),
                }),
            }
        }
        layer
    }
}

/// The mapping that a file consists of; an empty one has none. It is read by the reader that packs are read with: the
/// one that the configuration library brings would be a second one in every worker.
fn table_of(text: &str) -> Result<Map<String, Value>, String> {
    // As YAML 1.2 has it: `no` is a text.
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    let read: Result<Option<Value>, _> = serde_saphyr::from_str_with_options(text, options);
    match read.map_err(|error| error.to_string())?.map(|value| value.kind) {
        None | Some(ValueKind::Nil) => Ok(Map::new()),
        Some(ValueKind::Table(table)) => Ok(table),
        Some(_) => Err("it must be a mapping of keys".to_owned()),
    }
}

/// Labels become `name=value` items, so that a stronger layer replaces all of them instead of mixing with them.
fn as_pairs(labels: Map<String, Value>) -> Result<ValueKind, String> {
    let mut pairs = Vec::new();
    for (name, value) in labels {
        match value.kind {
            ValueKind::String(text) => pairs.push(format!("{name}={text}")),
            _ => return Err(format!("the value of {name:?} is not text to YAML; write it in quotes")),
        }
    }
    pairs.sort();
    Ok(ValueKind::Array(pairs.into_iter().map(|pair| Value::new(None, ValueKind::String(pair))).collect()))
}

fn read_credential(path: &str) -> Result<String, String> {
    let path = PathBuf::from(path);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    // Editors and `echo` end a file with a line break that is not part of the credential.
    let text = text.trim_end_matches(['\r', '\n']);
    match text.len() {
        0 => Err(format!("{} is empty", path.display())),
        1..=MOST_CREDENTIAL_BYTES => Ok(text.to_owned()),
        _ => Err(format!("{} is larger than {MOST_CREDENTIAL_BYTES} bytes", path.display())),
    }
}

fn probably(path: &str) -> Option<&'static str> {
    let last = |path: &'static str| path.rsplit('.').next().unwrap_or(path);
    let wanted = path.rsplit('.').next().unwrap_or(path);
    let paths = || KEYS.iter().flat_map(Key::paths);
    let sections = || paths().filter_map(|known| known.rsplit_once('.')).map(|(section, _)| section);
    closest(path, paths().chain(sections())).or_else(|| {
        let mut same = paths().filter(|known| last(known) == wanted);
        // A last part like `url` that several keys share suggests none of them.
        same.next().filter(|_| same.next().is_none())
    })
}

/// A key as messages name it. A URL gets into its place by one wrong indentation, and brings its password along.
fn shown(path: &str) -> String {
    if path.contains("://") { SecretUrl::new(path).to_string() } else { path.to_owned() }
}

fn unknown(path: &str) -> String {
    match probably(path) {
        Some(known) => format!("no such key; did you mean {known}?"),
        None => "no such key; --print-config lists all".to_owned(),
    }
}

fn unknown_name(path: &str) -> String {
    match probably(path.strip_suffix("_file").unwrap_or(path)) {
        Some(known) => format!("no such key; did you mean {}?", Key::environment_name_of(known)),
        None => "no such key; --print-config lists all".to_owned(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
