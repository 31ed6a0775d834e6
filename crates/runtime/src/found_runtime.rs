//! Runtimes that were found and that the store does not know.

use attune_types::{DetectedInterpreter, RuntimeSpec};
use serde_json::{Value, json};

/// A runtime that was found: what the store is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRuntime {
    /// Its definition: from its template in a loaded pack, from the table that is built in, or as little as the hints of
    /// the image say.
    pub spec: RuntimeSpec,
    /// How it was found, for `detection_config`.
    pub detection: Value,
}

/// Whether a runtime of the store is the one that `spec` defines.
fn is_same(stored: &RuntimeSpec, spec: &RuntimeSpec) -> bool {
    let named = std::iter::once(&stored.name).chain(&stored.aliases);
    stored.runtime_ref == spec.runtime_ref || named.into_iter().any(|name| name.eq_ignore_ascii_case(&spec.name))
}

/// Which runtimes with an interpreter here are unknown to a store that knows `stored`.
pub(crate) fn unknown_to(
    stored: &[RuntimeSpec],
    specs: &[RuntimeSpec],
    interpreters: &[DetectedInterpreter],
) -> Vec<FoundRuntime> {
    let mut unknown: Vec<FoundRuntime> = Vec::new();
    for spec in specs {
        let of_it = |one: &&DetectedInterpreter| one.runtime.eq_ignore_ascii_case(&spec.name) && !one.path.is_empty();
        let found: Vec<&DetectedInterpreter> = interpreters.iter().filter(of_it).collect();
        let is_told = unknown.iter().any(|told| told.spec.name.eq_ignore_ascii_case(&spec.name));
        if found.is_empty() || is_told || stored.iter().any(|known| is_same(known, spec)) {
            continue;
        }
        let mut detection = serde_json::to_value(&spec.detection).unwrap_or_else(|_| json!({}));
        if let Some(detection) = detection.as_object_mut() {
            detection.insert("from_template".to_owned(), json!(spec.template));
            detection.insert("found".to_owned(), json!(found));
        }
        let spec = RuntimeSpec { template: false, auto_detected: true, ..spec.clone() };
        unknown.push(FoundRuntime { spec, detection });
    }
    unknown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::builtin_specs;

    fn interpreter(runtime: &str) -> DetectedInterpreter {
        DetectedInterpreter { runtime: runtime.into(), path: format!("/bin/{runtime}"), ..Default::default() }
    }

    #[test]
    fn only_what_is_there_and_unknown_is_told() {
        let specs = builtin_specs();
        let found = ["shell", "python", "lua"].map(interpreter);
        let native = DetectedInterpreter { runtime: "native".into(), ..Default::default() };
        let interpreters: Vec<_> = found.into_iter().chain([native]).collect();
        let stored = |name: &str, alias: &str| RuntimeSpec {
            runtime_ref: format!("mine.{name}"),
            name: name.into(),
            aliases: vec![alias.into()],
            ..RuntimeSpec::default()
        };
        let names = |stored: &[RuntimeSpec]| -> Vec<String> {
            unknown_to(stored, &specs, &interpreters).into_iter().map(|found| found.spec.name).collect()
        };
        assert_eq!(names(&[]), ["shell", "python", "lua"]);
        assert_eq!(names(&[stored("Python", "x"), stored("snake", "SHELL")]), ["lua"]);
        let lua = unknown_to(&[], &specs, &interpreters).pop().expect("lua");
        assert!(lua.spec.auto_detected && !lua.spec.template);
        assert_eq!(lua.detection["binaries"], json!(["lua"]));
        assert_eq!(lua.detection["found"][0]["path"], "/bin/lua");
        assert_eq!(lua.detection["from_template"], true);
    }
}
