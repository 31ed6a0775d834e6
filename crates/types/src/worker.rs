//! Workers, and what each can run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::action::Requirement;
use crate::id::{Incarnation, WorkerId};
use crate::interpreter::DetectedInterpreter;
use crate::limit::{Enforcement, LimitKind};
use crate::status::WorkerStatus;
use crate::timestamp::Timestamp;
use crate::version::Version;

/// What a worker offers. Stored as one JSON document beside the worker.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Names of the runtimes it can run, lower case.
    pub runtimes: Vec<String>,
    /// Versions it has of each.
    #[serde(default)]
    pub runtime_versions: BTreeMap<String, Vec<String>>,
    /// How many executions it runs at once.
    pub max_concurrent_executions: u32,
    /// Version of the worker program.
    #[serde(default)]
    pub container_version: String,
    /// Free words that actions select by.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The strongest sandbox it can give (0 to 3).
    #[serde(default)]
    pub sandbox_level: u8,
    /// Who holds which limit. A worker that does not say holds none.
    #[serde(default)]
    pub limits: BTreeMap<LimitKind, Enforcement>,
    /// The public half of the key that secrets are sealed to, in hexadecimal: new in every life of the worker. A worker
    /// without one takes no secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key: Option<String>,
    /// What was found, and where.
    #[serde(default)]
    pub detected_interpreters: Vec<DetectedInterpreter>,
}

impl Capabilities {
    /// Everything that `requirement` asks for and this worker lacks, in words; empty means it fits.
    #[must_use]
    pub fn lacks(&self, requirement: &Requirement) -> Vec<String> {
        let mut lacks = Vec::new();
        let wanted = requirement.runtime.to_lowercase();
        if !self.runtimes.iter().any(|runtime| runtime.eq_ignore_ascii_case(&wanted)) {
            lacks.push(format!("runtime {wanted} (has {})", self.runtimes.join(", ")));
        } else if let Some(constraint) = &requirement.version {
            let versions = self.runtime_versions.get(&wanted).map_or(&[][..], Vec::as_slice);
            let met = versions
                .iter()
                .filter_map(|text| text.parse::<Version>().ok())
                .any(|version| constraint.allows(&version));
            if !met {
                let has = if versions.is_empty() { "an unknown version".to_owned() } else { versions.join(", ") };
                lacks.push(format!("{wanted} {constraint} (has {has})"));
            }
        }
        for (name, value) in &requirement.labels {
            match self.labels.get(name) {
                Some(found) if found == value => {}
                Some(found) => lacks.push(format!("label {name}={value} (has {name}={found})")),
                None => lacks.push(format!("label {name}={value}")),
            }
        }
        for kind in &requirement.limits {
            let what = kind.as_a_limit();
            match self.limits.get(kind) {
                Some(Enforcement::Cgroup | Enforcement::Rlimit) => {}
                Some(Enforcement::Nothing { why }) => lacks.push(format!("cannot enforce {what}: {why}")),
                None => lacks.push(format!("cannot enforce {what}: its version knows none")),
            }
        }
        if let Some(level) = requirement.sandbox.filter(|level| *level > self.sandbox_level) {
            lacks.push(format!("sandbox level {level} (reaches {})", self.sandbox_level));
        }
        if requirement.sealed && self.sealing_key.is_none() {
            lacks.push("cannot take secrets: its version has no key for that".to_owned());
        }
        lacks
    }
}

/// A worker as the store knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Worker {
    /// Stable id.
    pub id: WorkerId,
    /// Unique name.
    pub name: String,
    /// `local`, `remote` or `container`.
    pub worker_type: String,
    /// The host it runs on.
    pub host: String,
    /// What it is doing.
    pub status: WorkerStatus,
    /// The life it is in.
    pub incarnation: Incarnation,
    /// What it offers.
    pub capabilities: Capabilities,
    /// Live attempts it holds now.
    pub slots_used: u32,
    /// When it registered last.
    pub registered_at: Timestamp,
    /// When it was last heard of.
    pub last_beat_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities() -> Capabilities {
        Capabilities {
            runtimes: vec!["shell".into(), "python".into()],
            runtime_versions: BTreeMap::from([("python".into(), vec!["3.11.2".into()])]),
            labels: BTreeMap::from([("zone".into(), "a".into())]),
            ..Capabilities::default()
        }
    }

    fn requirement(runtime: &str, version: Option<&str>, labels: &[(&str, &str)]) -> Requirement {
        Requirement {
            runtime: runtime.into(),
            version: version.map(|text| text.parse().expect("constraint")),
            labels: labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            ..Requirement::default()
        }
    }

    #[test]
    fn a_fitting_worker_lacks_nothing() {
        assert!(capabilities().lacks(&requirement("Python", Some(">=3.11"), &[("zone", "a")])).is_empty());
        assert!(capabilities().lacks(&requirement("shell", None, &[])).is_empty());
    }

    #[test]
    fn limits_and_sandbox_that_are_demanded_must_really_hold_there() {
        let mut worker = Capabilities { sandbox_level: 2, ..capabilities() };
        worker.limits.insert(LimitKind::Memory, Enforcement::Rlimit);
        worker.limits.insert(LimitKind::Processes, Enforcement::Nothing { why: "no writable cgroup".into() });
        let demands = |limits: &[LimitKind], sandbox| Requirement {
            limits: limits.to_vec(),
            sandbox,
            ..requirement("shell", None, &[])
        };
        assert_eq!(worker.lacks(&demands(&[LimitKind::Memory], Some(2))), Vec::<String>::new());
        assert_eq!(
            worker.lacks(&demands(&[LimitKind::Processes], Some(3))),
            ["cannot enforce a limit on processes: no writable cgroup", "sandbox level 3 (reaches 2)"]
        );
        assert_eq!(
            capabilities().lacks(&demands(&[LimitKind::Memory], None)),
            ["cannot enforce a memory limit: its version knows none"]
        );
        let older: Capabilities = serde_json::from_str(r#"{"runtimes": [], "max_concurrent_executions": 1}"#)
            .expect("what older workers registered");
        assert!(older.limits.is_empty());
    }

    #[test]
    fn every_shortcoming_is_named_with_what_is_there() {
        assert_eq!(capabilities().lacks(&requirement("ruby", None, &[])), ["runtime ruby (has shell, python)"]);
        assert_eq!(
            capabilities().lacks(&requirement("python", Some(">=3.12"), &[("zone", "b"), ("gpu", "yes")])),
            ["python >=3.12 (has 3.11.2)", "label gpu=yes", "label zone=b (has zone=a)"]
        );
    }
}
