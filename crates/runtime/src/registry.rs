//! From what is asked for to what is there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use attune_process::Command;
use attune_types::runtime::EnvironmentChange;
use attune_types::{Capabilities, DetectedInterpreter, Requirement, RuntimeSpec, Version, variable_refusal};

use crate::clean_environment::CleanEnvironment;
use crate::detection::Detection;
use crate::found_runtime::{self, FoundRuntime};
use crate::invocation::{self, Script};
use crate::resolve_error::ResolveError;
use crate::resolved::{Program, Resolved};
use crate::selection::meant;

/// The runtimes that are known and the interpreters that were found for them.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    specs: Vec<RuntimeSpec>,
    interpreters: Vec<DetectedInterpreter>,
}

impl Registry {
    /// Brings `specs` and what was found for them together. Of two specifications with one name the first counts.
    ///
    /// A variable that no runtime may set ([`attune_types::variable_refusal`]) is left out and logged: the check of packs
    /// refuses it, but not every specification comes from a pack.
    #[must_use]
    pub fn new(mut specs: Vec<RuntimeSpec>, detection: Detection) -> Self {
        for spec in &mut specs {
            spec.execution_config.env_vars.retain(|name, change| {
                let (EnvironmentChange::Set(value)
                | EnvironmentChange::Prepend(value)
                | EnvironmentChange::Append(value)) = change;
                let refusal = variable_refusal(name, value);
                if let Some(refusal) = &refusal {
                    tracing::warn!(runtime = spec.name, "variable left out: {refusal}");
                }
                refusal.is_none()
            });
        }
        Self { specs, interpreters: detection.interpreters }
    }

    /// The runtime that `name` means: by its name, else by its reference or an alias.
    #[must_use]
    pub fn spec(&self, name: &str) -> Option<&RuntimeSpec> {
        meant(&self.specs, name)
    }

    /// Finds what meets a requirement's runtime and version; labels are the scheduler's business.
    ///
    /// With a constraint the newest version that fits; without one the interpreter that a shell would start.
    ///
    /// # Errors
    ///
    /// [`ResolveError`] says what is missing and what is there instead.
    pub fn resolve(&self, requirement: &Requirement) -> Result<Resolved, ResolveError> {
        let wanted = requirement.runtime.as_str();
        let spec = self.spec(wanted).ok_or_else(|| ResolveError::UnknownRuntime {
            wanted: wanted.to_owned(),
            known: self.specs.iter().map(|spec| spec.name.clone()).collect(),
        })?;
        let found: Vec<(&DetectedInterpreter, Option<Version>)> = self
            .interpreters_of(spec)
            .map(|interpreter| (interpreter, interpreter.version.parse::<Version>().ok()))
            .collect();
        if found.is_empty() {
            return Err(ResolveError::NoInterpreter {
                runtime: spec.name.clone(),
                binaries: spec.detection.binaries.clone(),
            });
        }
        if spec.execution_config.direct {
            return Ok(Resolved { spec: spec.clone(), program: Program::Script });
        }
        let chosen = match &requirement.version {
            None => found.first(),
            Some(constraint) => found
                .iter()
                .filter(|(_, version)| version.as_ref().is_some_and(|version| constraint.allows(version)))
                // The first of equals, as without a constraint.
                .reduce(|best, next| if next.1 > best.1 { next } else { best }),
        };
        let (interpreter, version) = chosen.ok_or_else(|| ResolveError::NoFittingVersion {
            runtime: spec.name.clone(),
            constraint: requirement.version.as_ref().map(ToString::to_string).unwrap_or_default(),
            has: found.iter().map(|(interpreter, _)| shown(&interpreter.version)).collect(),
        })?;
        let program = Program::Interpreter { path: PathBuf::from(&interpreter.path), version: version.clone() };
        Ok(Resolved { spec: self.definition_for(spec, version.as_ref()).clone(), program })
    }

    /// The command that runs `script`, complete but for input, limits and the variables that only the worker knows.
    #[must_use]
    pub fn command_for(&self, resolved: &Resolved, script: &Script, environment: &CleanEnvironment) -> Command {
        invocation::command_for(resolved, script, environment)
    }

    /// What was found, runtime by runtime.
    #[must_use]
    pub fn interpreters(&self) -> &[DetectedInterpreter] {
        &self.interpreters
    }

    /// Every name, lower case, that a requirement may use here, with the versions there are: of each runtime that can be
    /// run its name and its aliases.
    #[must_use]
    pub fn offers(&self) -> BTreeMap<String, Vec<String>> {
        let mut offers = BTreeMap::new();
        for spec in &self.specs {
            for name in [&spec.name, &spec.runtime_ref].into_iter().chain(&spec.aliases) {
                let Some(meant) = self.spec(name) else { continue };
                let mut found = self.interpreters_of(meant).peekable();
                if found.peek().is_some() {
                    let versions = found.map(|one| one.version.clone()).filter(|version| !version.is_empty()).collect();
                    offers.insert(name.to_lowercase(), versions);
                }
            }
        }
        offers.remove("");
        offers
    }

    /// Writes what can be run into a worker's capabilities.
    pub fn describe(&self, capabilities: &mut Capabilities) {
        let offers = self.offers();
        capabilities.runtimes = offers.keys().cloned().collect();
        capabilities.runtime_versions = offers.into_iter().filter(|(_, versions)| !versions.is_empty()).collect();
        capabilities.detected_interpreters.clone_from(&self.interpreters);
    }

    /// Of several definitions of a runtime the first that is for this version.
    fn definition_for<'a>(&'a self, spec: &'a RuntimeSpec, version: Option<&Version>) -> &'a RuntimeSpec {
        let is_for = |one: &&RuntimeSpec| {
            let is_met = |version: &Version| one.versions.iter().any(|constraint| constraint.allows(version));
            one.name.eq_ignore_ascii_case(&spec.name) && (one.versions.is_empty() || version.is_some_and(is_met))
        };
        self.specs.iter().find(is_for).unwrap_or(spec)
    }

    /// The runtimes with an interpreter here that a store does not know which knows `stored`.
    #[must_use]
    pub fn unknown_to(&self, stored: &[RuntimeSpec]) -> Vec<FoundRuntime> {
        found_runtime::unknown_to(stored, &self.specs, &self.interpreters)
    }

    fn interpreters_of<'a>(&'a self, spec: &'a RuntimeSpec) -> impl Iterator<Item = &'a DetectedInterpreter> {
        self.interpreters.iter().filter(|interpreter| interpreter.runtime.eq_ignore_ascii_case(&spec.name))
    }
}

fn shown(version: &str) -> String {
    if version.is_empty() { "an unknown version".to_owned() } else { version.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::builtin_specs;

    fn interpreter(runtime: &str, path: &str, version: &str) -> DetectedInterpreter {
        DetectedInterpreter {
            runtime: runtime.into(),
            path: path.into(),
            version: version.into(),
            ..DetectedInterpreter::default()
        }
    }

    #[test]
    fn a_variable_that_no_runtime_may_set_is_left_out() {
        let mut spec = RuntimeSpec { name: "lua".into(), ..RuntimeSpec::default() };
        for (name, value) in [("LD_PRELOAD", "/x.so"), ("PYTHONPATH", "."), ("LUA_DEBUG", "1")] {
            spec.execution_config.env_vars.insert(name.into(), EnvironmentChange::Set(value.into()));
        }
        let registry = Registry::new(vec![spec], Detection::default());
        let left = &registry.spec("lua").expect("known").execution_config.env_vars;
        assert_eq!(left.keys().collect::<Vec<_>>(), ["LUA_DEBUG"]);
    }

    fn registry() -> Registry {
        let interpreters = vec![
            interpreter("shell", "/bin/sh", ""),
            interpreter("python", "/usr/bin/python3", "3.11.2"),
            interpreter("python", "/usr/bin/python3.9", "3.9.1"),
            interpreter("python", "/usr/bin/python3.12", "3.12.4"),
            interpreter("native", "", ""),
        ];
        Registry::new(builtin_specs(), Detection { interpreters, ..Detection::default() })
    }

    fn requirement(runtime: &str, version: &str) -> Requirement {
        let version = (!version.is_empty()).then(|| version.parse().expect("a constraint"));
        Requirement { runtime: runtime.into(), version, ..Requirement::default() }
    }

    fn path(runtime: &str, version: &str) -> Result<String, ResolveError> {
        registry().resolve(&requirement(runtime, version)).map(|resolved| match resolved.program {
            Program::Interpreter { path, .. } => path.to_string_lossy().into_owned(),
            Program::Script => "itself".into(),
        })
    }

    #[test]
    fn names_aliases_and_references_in_any_case_mean_the_runtime() {
        for name in ["python", "Python3", "PY", "core.python"] {
            assert_eq!(path(name, "").as_deref(), Ok("/usr/bin/python3"), "{name}");
        }
        assert_eq!(path("sh", "").as_deref(), Ok("/bin/sh"));
        assert_eq!(path("Binary", "").as_deref(), Ok("itself"));
    }

    #[test]
    fn a_constraint_chooses_the_newest_that_fits() {
        for (constraint, expected) in [
            (">=3.9", "/usr/bin/python3.12"),
            (">=3.9, <3.12", "/usr/bin/python3"),
            ("3.9", "/usr/bin/python3.9"),
            ("", "/usr/bin/python3"),
        ] {
            assert_eq!(path("python", constraint).as_deref(), Ok(expected), "{constraint}");
        }
    }

    #[test]
    fn of_two_definitions_of_a_runtime_the_one_for_the_version_is_used() {
        let mut specs = builtin_specs();
        let python = specs.iter_mut().find(|spec| spec.name == "python").expect("built in");
        python.versions = vec![">=3.10".parse().expect("a constraint")];
        let old = RuntimeSpec {
            label: "old".into(),
            versions: vec!["<3.10".parse().expect("a constraint")],
            ..python.clone()
        };
        specs.push(old);
        let found = Detection { interpreters: registry().interpreters, ..Detection::default() };
        let registry = Registry::new(specs, found);
        let label = |version| registry.resolve(&requirement("py", version)).expect("there").spec.label;
        assert_eq!((label("3.9").as_str(), label(">=3.9").as_str()), ("old", "Python"));
    }

    #[test]
    fn what_is_missing_is_said_with_what_is_there() {
        for (runtime, constraint, expected) in [
            (
                "cobol",
                "",
                "no runtime is called cobol (known: shell, bash, python, node, ruby, perl, go, java, r, php, lua, deno, bun, powershell, \
                 dotnet, tcl, native)",
            ),
            ("ruby", "", "no interpreter for ruby was found (looked for ruby)"),
            ("bash", "", "no interpreter for bash was found (looked for bash)"),
            ("python", ">=3.13", "no python >=3.13 was found (there is 3.11.2, 3.9.1, 3.12.4)"),
            ("shell", ">=5", "no shell >=5 was found (there is an unknown version)"),
        ] {
            let error = path(runtime, constraint).expect_err("cannot be met");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_worker_offers_every_name_that_would_resolve_and_no_other() {
        let registry = registry();
        let mut capabilities = Capabilities::default();
        registry.describe(&mut capabilities);
        for name in &capabilities.runtimes {
            assert!(registry.resolve(&requirement(name, "")).is_ok(), "{name}");
        }
        assert!(capabilities.lacks(&requirement("python3", ">=3.12")).is_empty());
        assert!(capabilities.lacks(&requirement("sh", "")).is_empty());
        assert!(capabilities.lacks(&requirement("native", "")).is_empty());
        assert_eq!(capabilities.lacks(&requirement("bash", "")).len(), 1);
        assert_eq!(capabilities.lacks(&requirement("ruby", "")).len(), 1);
        assert_eq!(capabilities.detected_interpreters.len(), 5);
    }
}
