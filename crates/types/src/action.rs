//! What packs declare of actions and their parameters.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::artifact::ArtifactRule;
use crate::limit::LimitKind;
use crate::secret_outputs::has_secret_outputs;
use crate::version::VersionConstraint;

/// `pack.action`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionRef {
    /// The pack's name.
    pub pack: String,
    /// The action's name inside the pack; may hold dots.
    pub name: String,
}

/// The text is not `pack.action`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an action reference like pack.action (lower-case letters, digits, '_' and '-')")]
pub struct NotAnActionRef {
    /// What was refused.
    pub text: String,
}

/// Whether `name` may name a pack, or one dotted part of an action: `[a-z0-9][a-z0-9_-]*`, at most 64 characters.
#[must_use]
pub fn is_valid_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 64
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-')
}

impl FromStr for ActionRef {
    type Err = NotAnActionRef;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || NotAnActionRef { text: text.to_owned() };
        let (pack, name) = text.split_once('.').ok_or_else(refused)?;
        if !is_valid_name(pack) || !name.split('.').all(is_valid_name) {
            return Err(refused());
        }
        Ok(Self { pack: pack.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for ActionRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.pack, self.name)
    }
}

impl Serialize for ActionRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ActionRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How parameters reach the action. Data never becomes code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterDelivery {
    /// On standard input.
    #[default]
    Stdin,
    /// In a file named by `ATTUNE_PARAMETERS_FILE`.
    File,
    /// As environment variables, `ATTUNE_PARAM_<NAME>`.
    Env,
}

/// How parameters are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterFormat {
    /// One JSON object.
    #[default]
    Json,
    /// One YAML mapping.
    Yaml,
    /// `NAME='value'` lines.
    Dotenv,
}

/// How secrets reach the action: never in the environment, an argument or a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretDelivery {
    /// When it asks: `get_secret`, or `attune-agent secret get`.
    #[default]
    Helper,
    /// As the first line of standard input: one JSON object with every secret that it lists.
    Stdin,
}

impl SecretDelivery {
    /// Whether it is the usual way.
    #[must_use]
    pub fn is_helper(&self) -> bool {
        *self == Self::Helper
    }
}

/// How the result is read from standard output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputFormat {
    /// Standard output is a log; a result comes only from `ATTUNE_RESULT_FILE`.
    #[default]
    Text,
    /// Standard output is one JSON value, the result.
    Json,
    /// Standard output is one YAML document, the result.
    Yaml,
    /// Standard output is one JSON value per line; the result is the array of them.
    Jsonl,
}

/// One declared parameter: JSON-schema keywords inline, plus what Attune adds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ParameterSpec {
    /// Refuse the request when it is missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Never show the value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// Used when the request leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// The JSON-schema keywords (`type`, `enum`, `minimum`, `description`, ...).
    #[serde(flatten)]
    pub schema: Map<String, Value>,
}

/// A cause that a retry policy may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryCause {
    /// Its worker vanished. Needs `idempotent: true`.
    Lost,
    /// Its worker shut down. Needs `idempotent: true`.
    Interrupted,
    /// It timed out. Needs `idempotent: true`.
    Timeout,
    /// It was killed for memory.
    OomKilled,
    /// It ended without success in any other way.
    Failed,
}

/// The pause before a retry: `initial * factor^(n-1)`, at most `max`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backoff {
    /// Seconds before the first retry.
    #[serde(default = "Backoff::default_initial")]
    pub initial_seconds: f64,
    /// By how much each pause is longer than the one before.
    #[serde(default = "Backoff::default_factor")]
    pub factor: f64,
    /// The longest pause, in seconds.
    #[serde(default = "Backoff::default_max")]
    pub max_seconds: f64,
}

impl Backoff {
    fn default_initial() -> f64 {
        5.0
    }

    fn default_factor() -> f64 {
        2.0
    }

    fn default_max() -> f64 {
        300.0
    }

    /// Milliseconds to wait after `ended` attempts have ended.
    #[must_use]
    pub fn pause_ms(&self, ended: i32) -> i64 {
        let seconds = self.initial_seconds * self.factor.powi((ended - 1).clamp(0, 64));
        (seconds.min(self.max_seconds).max(0.0) * 1000.0) as i64
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            initial_seconds: Self::default_initial(),
            factor: Self::default_factor(),
            max_seconds: Self::default_max(),
        }
    }
}

/// When an attempt that may have run is followed by another. Absent: never.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryPolicy {
    /// The causes that are retried.
    pub on: Vec<RetryCause>,
    /// How many attempts there may be in all, the first included.
    #[serde(default = "RetryPolicy::default_attempts")]
    pub max_attempts: i32,
    /// The pause between attempts.
    #[serde(default)]
    pub backoff: Backoff,
}

impl RetryPolicy {
    fn default_attempts() -> i32 {
        3
    }
}

/// What an action may use. Absent: not limited by Attune.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceLimits {
    /// Bytes of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Seconds of processor time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<u64>,
    /// Processes at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
    /// Open files of one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
    /// Bytes of one file that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
}

impl ResourceLimits {
    /// The value of one of them.
    #[must_use]
    pub const fn value(&self, kind: LimitKind) -> Option<u64> {
        match kind {
            LimitKind::Memory => self.memory_bytes,
            LimitKind::Cpu => self.cpu_seconds,
            LimitKind::Processes => self.processes,
            LimitKind::OpenFiles => self.open_files,
            LimitKind::FileSize => self.file_bytes,
        }
    }

    /// Which are asked for.
    #[must_use]
    pub fn kinds(&self) -> Vec<LimitKind> {
        LimitKind::ALL.into_iter().filter(|kind| self.value(*kind).is_some()).collect()
    }
}

/// One thing that can be run, as `actions/<name>.yaml` declares it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionSpec {
    /// `pack.action`.
    #[serde(rename = "ref")]
    pub action_ref: ActionRef,
    /// A short name for people.
    #[serde(default)]
    pub label: String,
    /// What it does.
    #[serde(default)]
    pub description: String,
    /// The runtime's name or alias, e.g. `python`.
    pub runner_type: String,
    /// The file to run, relative to the pack's `actions` folder.
    pub entry_point: String,
    /// Which versions of the runtime will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_version: Option<VersionConstraint>,
    /// Declared parameters by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, ParameterSpec>,
    /// JSON schema of the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// How parameters reach it.
    #[serde(default)]
    pub parameter_delivery: ParameterDelivery,
    /// How parameters are written.
    #[serde(default)]
    pub parameter_format: ParameterFormat,
    /// How its result is read.
    #[serde(default)]
    pub output_format: OutputFormat,
    /// Wall-clock limit in seconds; fractions are allowed.
    #[serde(default = "ActionSpec::default_timeout")]
    pub timeout_seconds: f64,
    /// When a failed attempt is repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryPolicy>,
    /// Whether running it twice has the effect of running it once.
    #[serde(default)]
    pub idempotent: bool,
    /// What it may use.
    #[serde(default)]
    pub resources: ResourceLimits,
    /// Labels that its worker must have.
    #[serde(default)]
    pub worker_selector: BTreeMap<String, String>,
    /// Names of the secrets that it may read.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// How they reach it.
    #[serde(default)]
    pub secret_delivery: SecretDelivery,
    /// The files that it leaves behind.
    #[serde(default)]
    pub artifacts: Vec<ArtifactRule>,
    /// The sandbox level it runs at (0 to 3); absent: the worker's best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<u8>,
    /// Whether a warm interpreter may run it: `auto` or `never`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm: Option<String>,
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether it may be run at all.
    #[serde(default = "ActionSpec::default_enabled")]
    pub enabled: bool,
}

impl ActionSpec {
    /// Seconds an action may run when it does not say.
    pub const DEFAULT_TIMEOUT_SECONDS: f64 = 300.0;

    fn default_timeout() -> f64 {
        Self::DEFAULT_TIMEOUT_SECONDS
    }

    fn default_enabled() -> bool {
        true
    }

    /// Names of the parameters whose values are never shown.
    #[must_use]
    pub fn secret_parameters(&self) -> Vec<String> {
        self.parameters.iter().filter(|(_, spec)| spec.secret).map(|(name, _)| name.clone()).collect()
    }

    /// What a worker must offer to run it.
    #[must_use]
    pub fn requirement(&self) -> Requirement {
        Requirement {
            runtime: self.runner_type.to_lowercase(),
            version: self.runtime_version.clone(),
            labels: self.worker_selector.clone(),
            limits: self.resources.kinds(),
            sandbox: self.sandbox,
            sealed: !self.secrets.is_empty()
                || self.parameters.values().any(|parameter| parameter.secret)
                || self.output_schema.as_ref().is_some_and(has_secret_outputs),
        }
    }
}

/// A pack, as `pack.yaml` declares it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackSpec {
    /// The pack's name.
    #[serde(rename = "ref")]
    pub pack_ref: String,
    /// A short name for people.
    #[serde(default)]
    pub label: String,
    /// What it holds.
    #[serde(default)]
    pub description: String,
    /// Semantic version.
    pub version: String,
    /// JSON schema of the pack's own configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
    /// Words to find it by.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
}

/// Code that travels with the request instead of lying in a pack: `attune run ./script.py`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InlineCode {
    /// File name, without folders.
    pub name: String,
    /// The text.
    pub content: String,
}

impl InlineCode {
    /// The largest script that may travel, in bytes.
    pub const MAX_BYTES: usize = 1 << 20;
}

/// What a worker must offer to run something.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// The runtime's name, lower case.
    pub runtime: String,
    /// Which versions will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionConstraint>,
    /// Labels that must be there with these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Limits that it must be able to enforce, in the order of [`LimitKind::ALL`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitKind>,
    /// The sandbox level that it must reach (0 to 3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<u8>,
    /// Whether secrets are sealed to it, so that it must have a key for that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sealed: bool,
}

impl Requirement {
    /// A text that is equal for equal requirements: schedulers group by it.
    #[must_use]
    pub fn key(&self) -> String {
        let version = self.version.as_ref().map_or("", VersionConstraint::as_str);
        let labels: Vec<String> = self.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut key = format!("{}|{version}|{}", self.runtime.to_lowercase(), labels.join(","));
        if !self.limits.is_empty() || self.sandbox.is_some() {
            let limits: Vec<&str> = self.limits.iter().map(|kind| kind.word()).collect();
            let sandbox = self.sandbox.map_or_else(String::new, |level| level.to_string());
            key = format!("{key}|{}|{sandbox}", limits.join(","));
        }
        if self.sealed {
            key.push_str("|sealed");
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn action_references_are_checked() {
        let parsed: ActionRef = "core.http.get".parse().expect("valid");
        assert_eq!((parsed.pack.as_str(), parsed.name.as_str()), ("core", "http.get"));
        for text in ["core", ".x", "core.", "Core.echo", "../core.x", "core.a b", "core..x", "core.é"] {
            assert!(text.parse::<ActionRef>().is_err(), "{text}");
        }
    }

    #[test]
    fn pauses_grow_and_are_capped() {
        let backoff = Backoff::default();
        assert_eq!([1, 2, 3, 20].map(|ended| backoff.pause_ms(ended)), [5_000, 10_000, 20_000, 300_000]);
    }

    #[test]
    fn equal_requirements_have_equal_keys() {
        let requirement = |runtime: &str| Requirement { runtime: runtime.into(), ..Requirement::default() };
        assert_eq!(requirement("Python").key(), requirement("python").key());
        assert_ne!(requirement("python").key(), requirement("node").key());
        let limited = Requirement { limits: vec![LimitKind::Memory], ..requirement("python") };
        assert_ne!(requirement("python").key(), limited.key());
        assert_ne!(limited.key(), Requirement { sandbox: Some(2), ..limited.clone() }.key());
    }

    #[test]
    fn a_parameter_keeps_its_schema_keywords() {
        let spec: ParameterSpec =
            serde_json::from_value(serde_json::json!({"type": "integer", "minimum": 1, "required": true}))
                .expect("valid");
        assert!(spec.required && !spec.secret);
        assert_eq!(spec.schema.get("minimum"), Some(&Value::from(1)));
    }
}
