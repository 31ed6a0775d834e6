//! The rules that a declaration must keep besides being readable.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path};

use attune_types::action::is_valid_name;
use attune_types::runtime::EnvironmentChange;
use attune_types::{
    ActionSpec, LimitKind, OutputFormat, PackSpec, ParameterDelivery, ParameterFormat, ParameterSpec, ResourceLimits,
    RetryCause, RuntimeSpec, has_secret_outputs, variable_refusal,
};
#[cfg(feature = "parameters")]
use serde_json::{Map, Value};

use crate::environment_rules;
use crate::keywords;
use crate::output_schema;
#[cfg(feature = "parameters")]
use crate::parameters::{check_parameters, schema_problem};
use crate::render::variable_name;
use crate::runtime_rules;
use crate::secret_outputs::misplaced_mark;

/// A year: long enough for everything, short enough to be a mistake beyond.
const MOST_TIMEOUT_SECONDS: f64 = 31_536_000.0;

/// A rule that a declaration breaks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    /// The dotted key.
    pub(crate) field: String,
    /// The rule, in words.
    pub(crate) message: String,
}

/// Collects breaches of one file.
#[derive(Default)]
struct Breaches(Vec<Breach>);

impl Breaches {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(Breach { field: field.into(), message: message.into() });
    }
}

pub(crate) fn of_pack(spec: &PackSpec) -> Vec<Breach> {
    let mut breaches = Breaches::default();
    if !is_valid_name(&spec.pack_ref) {
        breaches.add(
            "ref",
            format!("{:?} is not a name: lower-case letters, digits, '_' and '-', at most 64", spec.pack_ref),
        );
    }
    if semver::Version::parse(&spec.version).is_err() {
        breaches.add("version", format!("{:?} is not a semantic version like 1.0.0", spec.version));
    }
    #[cfg(feature = "parameters")]
    if let Some(problem) = spec.config.as_ref().and_then(schema_problem) {
        breaches.add("config", problem);
    }
    breaches.0
}

pub(crate) fn of_action(path: &Path, pack: Option<&str>, directory: &Path, action: &ActionSpec) -> Vec<Breach> {
    let mut breaches = Breaches::default();
    if let Some(pack) = pack {
        belongs(&mut breaches, pack, &action.action_ref.to_string());
    }
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if pack.is_some_and(|pack| pack == action.action_ref.pack) && action.action_ref.name != stem {
        breaches.add("ref", format!("{} must be declared in {}.yaml", action.action_ref, action.action_ref.name));
    }
    if action.runner_type.is_empty() {
        breaches.add("runner_type", "must name a runtime, e.g. python");
    }
    entry_point(&mut breaches, directory, &action.entry_point);
    if !(action.timeout_seconds > 0.0 && action.timeout_seconds <= MOST_TIMEOUT_SECONDS) {
        breaches.add("timeout_seconds", format!("must be more than 0 and at most {MOST_TIMEOUT_SECONDS}"));
    }
    retry(&mut breaches, action);
    for (name, spec) in &action.parameters {
        parameter(&mut breaches, name, spec);
        #[cfg(feature = "parameters")]
        parameter_schema(&mut breaches, action, name, spec);
    }
    variables(&mut breaches, action);
    for glob in action.artifacts.iter().map(attune_types::ArtifactRule::glob) {
        if glob.is_empty() || !Path::new(glob).components().all(|part| matches!(part, Component::Normal(_))) {
            breaches.add("artifacts", format!("{glob:?} leaves the action's folder"));
        }
    }
    if let Some(problem) = action.output_schema.as_ref().and_then(output_schema::problem) {
        breaches.add("output_schema", problem);
    }
    secret_outputs(&mut breaches, action);
    limits(&mut breaches, &action.resources);
    if action.sandbox.is_some_and(|level| level > 3) {
        breaches.add("sandbox", "must be 0, 1, 2 or 3");
    }
    if action.warm.as_deref().is_some_and(|warm| warm != "auto" && warm != "never") {
        breaches.add("warm", "must be auto or never");
    }
    breaches.0
}

/// A result that is printed stands in the log before anybody can tell what of it is secret.
fn secret_outputs(breaches: &mut Breaches, action: &ActionSpec) {
    let Some(schema) = &action.output_schema else { return };
    if let Some(keyword) = misplaced_mark(schema) {
        breaches.add(
            "output_schema",
            format!("secret: true has no effect in {keyword}; write it where the output is described"),
        );
    }
    if has_secret_outputs(schema) && action.output_format != OutputFormat::Text {
        breaches.add(
            "output_format",
            "must be text when an output is secret, because what is printed is logged: set the result with \
             `attune-agent output set` or ATTUNE_RESULT_FILE",
        );
    }
}

/// Limits below which nothing would ever start, so that they can only be mistaken (mebibytes written as bytes).
fn limits(breaches: &mut Breaches, asked: &ResourceLimits) {
    for (kind, field, least) in [
        (LimitKind::Memory, "resources.memory_bytes", 1 << 20),
        (LimitKind::Cpu, "resources.cpu_seconds", 1),
        (LimitKind::Processes, "resources.processes", 1),
        (LimitKind::OpenFiles, "resources.open_files", 8),
    ] {
        if asked.value(kind).is_some_and(|value| value < least) {
            breaches.add(field, format!("must be {least} or more"));
        }
    }
}

pub(crate) fn of_runtime(path: &Path, pack: Option<&str>, runtime: &RuntimeSpec) -> Vec<Breach> {
    let mut breaches = Breaches::default();
    if let Some(pack) = pack {
        belongs(&mut breaches, pack, &runtime.runtime_ref);
    }
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if let Some((_, name)) = runtime.runtime_ref.split_once('.').filter(|(_, name)| *name != stem) {
        breaches.add("ref", format!("{} must be declared in {name}.yaml", runtime.runtime_ref));
    }
    for name in std::iter::once(&runtime.name).chain(&runtime.aliases) {
        if !is_valid_name(name) {
            breaches.add("name", format!("{name:?} is not a name: lower-case letters, digits, '_' and '-'"));
        }
    }
    breaches.0.extend(runtime_rules::breaches(runtime));
    for (name, change) in &runtime.execution_config.env_vars {
        let (EnvironmentChange::Set(value) | EnvironmentChange::Prepend(value) | EnvironmentChange::Append(value)) =
            change;
        if let Some(refusal) = variable_refusal(name, value) {
            breaches.add(format!("execution_config.env_vars.{name}"), refusal);
        }
    }
    breaches.0.extend(runtime.environment.iter().flat_map(environment_rules::breaches));
    if let Some(pattern) = &runtime.detection.version_regex {
        // A compiled size limit keeps `a{1000}{1000}` from taking the memory of whoever loads the pack.
        match regex::RegexBuilder::new(pattern).size_limit(64 * 1024).build() {
            Ok(regex) if regex.captures_len() < 2 => {
                breaches.add("detection.version_regex", "must have a group: the version")
            }
            Ok(_) => {}
            Err(error) => breaches.add("detection.version_regex", error.to_string()),
        }
    }
    breaches.0
}

fn belongs(breaches: &mut Breaches, pack: &str, reference: &str) {
    if reference.split_once('.').is_none_or(|(owner, _)| owner != pack) {
        breaches.add("ref", format!("{reference} does not belong to pack {pack}"));
    }
}

fn entry_point(breaches: &mut Breaches, directory: &Path, entry_point: &str) {
    let inside = Path::new(entry_point);
    let plain = !entry_point.is_empty()
        && !entry_point.contains('\0')
        && inside.components().all(|part| matches!(part, Component::Normal(_)));
    if !plain {
        breaches.add("entry_point", format!("{entry_point:?} leaves the pack"));
        return;
    }
    match fs::canonicalize(directory.join("actions").join(inside)) {
        Ok(real) if !real.starts_with(directory) => {
            breaches.add("entry_point", format!("{entry_point:?} leaves the pack through a link"));
        }
        Ok(real) if !real.is_file() => breaches.add("entry_point", format!("actions/{entry_point} is not a file")),
        Ok(_) => {}
        Err(_) => breaches.add("entry_point", format!("actions/{entry_point} does not exist")),
    }
}

fn retry(breaches: &mut Breaches, action: &ActionSpec) {
    let Some(policy) = &action.retry else { return };
    if !(1..=100).contains(&policy.max_attempts) {
        breaches.add("retry.max_attempts", "must be 1 to 100");
    }
    for (cause, word) in
        [(RetryCause::Lost, "lost"), (RetryCause::Interrupted, "interrupted"), (RetryCause::Timeout, "timeout")]
    {
        if policy.on.contains(&cause) && !action.idempotent {
            breaches.add("retry.on", format!("{word} needs idempotent: true"));
        }
    }
    let backoff = policy.backoff;
    if !(backoff.initial_seconds >= 0.0 && backoff.factor >= 1.0 && backoff.max_seconds >= 0.0) {
        breaches.add("retry.backoff", "needs initial_seconds >= 0, factor >= 1 and max_seconds >= 0");
    }
}

/// Two parameters that become one environment variable would overwrite each other unseen.
fn variables(breaches: &mut Breaches, action: &ActionSpec) {
    if action.parameter_delivery != ParameterDelivery::Env && action.parameter_format != ParameterFormat::Dotenv {
        return;
    }
    let mut taken = BTreeMap::new();
    for name in action.parameters.keys() {
        if let Some(other) = taken.insert(variable_name(name), name) {
            breaches.add(format!("parameters.{name}"), format!("would be {} like {other}", variable_name(name)));
        }
    }
}

fn parameter(breaches: &mut Breaches, name: &str, spec: &ParameterSpec) {
    let valid = name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|character| character.is_ascii_alphanumeric() || "_-".contains(character));
    if !valid {
        breaches.add(format!("parameters.{name}"), "is not a name: letters, digits, '_' and '-', at most 64");
    }
    for word in spec.schema.keys() {
        if let Some(problem) = keywords::problem(word) {
            breaches.add(format!("parameters.{name}.{word}"), problem);
        }
    }
}

/// A worker leaves this to whoever accepts requests.
#[cfg(feature = "parameters")]
fn parameter_schema(breaches: &mut Breaches, action: &ActionSpec, name: &str, spec: &ParameterSpec) {
    if let Some(problem) = schema_problem(&Value::Object(spec.schema.clone())) {
        breaches.add(format!("parameters.{name}"), problem);
        return;
    }
    let Some(default) = &spec.default else { return };
    // The default must be what a request may say; other parameters do not matter here.
    let alone = ActionSpec { parameters: std::iter::once((name.to_owned(), spec.clone())).collect(), ..action.clone() };
    let given: Map<String, Value> = std::iter::once((name.to_owned(), default.clone())).collect();
    for problem in check_parameters(&alone, given).err().unwrap_or_default() {
        breaches.add(format!("parameters.{name}.default"), problem.message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_would_grow_are_refused() {
        let breaches = |pattern: &str| {
            let text = serde_json::json!({"ref": "p.r", "name": "r", "detection": {"version_regex": pattern}});
            let runtime: RuntimeSpec = serde_json::from_value(text).expect("a runtime");
            let breaches = of_runtime(Path::new("r.yaml"), None, &runtime).into_iter();
            breaches.map(|breach| format!("{}: {}", breach.field, breach.message)).collect::<Vec<_>>().join("; ")
        };
        for pattern in ["(a{1000}{1000})", "((a{100}){100}){100}", "(\\w{5000})"] {
            assert!(breaches(pattern).contains("size limit"), "{pattern}: {}", breaches(pattern));
        }
        // What other engines try for years is read in one pass by this one.
        assert!(!breaches("(a+)+$").contains("version_regex"));
    }
}
