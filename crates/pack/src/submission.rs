//! What a worker will need to know is fixed when an execution is submitted: a pack that changes later changes nothing
//! for executions that exist.

use std::collections::BTreeMap;

use attune_types::{ActionRef, ActionSpec, ExecutionSpec, InlineCode, OutputFormat, Requirement};

/// What a request may say differently from its action.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// Wall-clock limit in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Labels that its worker must have besides the action's own.
    pub worker_labels: BTreeMap<String, String>,
}

/// The specification of an execution of a declared action.
#[must_use]
pub fn execution_spec(action: &ActionSpec, pack_version: &str, overrides: &Overrides) -> ExecutionSpec {
    let mut labels = action.worker_selector.clone();
    labels.extend(overrides.worker_labels.clone());
    ExecutionSpec {
        action: action.action_ref.clone(),
        pack_version: Some(pack_version.to_owned()),
        entry_point: action.entry_point.clone(),
        code: None,
        requirement: Requirement { labels, ..action.requirement() },
        parameter_delivery: action.parameter_delivery,
        parameter_format: action.parameter_format,
        output_format: action.output_format,
        output_schema: action.output_schema.clone(),
        timeout_ms: overrides.timeout_ms.unwrap_or((action.timeout_seconds * 1000.0) as u64),
        retry: action.retry.clone(),
        idempotent: action.idempotent,
        resources: action.resources.clone(),
        artifacts: action.artifacts.clone(),
        secrets: action.secrets.clone(),
        secret_delivery: action.secret_delivery,
        secret_parameters: action.secret_parameters(),
    }
}

/// The specification of a bare script: parameters as one JSON object on stdin, standard output shown as it is.
#[must_use]
pub fn inline_spec(code: InlineCode, runtime: &str, overrides: &Overrides) -> ExecutionSpec {
    ExecutionSpec {
        action: ActionRef { pack: "inline".to_owned(), name: inline_name(&code.name) },
        pack_version: None,
        entry_point: code.name.clone(),
        code: Some(code),
        requirement: Requirement {
            runtime: runtime.to_lowercase(),
            version: None,
            labels: overrides.worker_labels.clone(),
            ..Requirement::default()
        },
        parameter_delivery: attune_types::ParameterDelivery::Stdin,
        parameter_format: attune_types::ParameterFormat::Json,
        output_format: OutputFormat::Text,
        output_schema: None,
        timeout_ms: overrides.timeout_ms.unwrap_or((ActionSpec::DEFAULT_TIMEOUT_SECONDS * 1000.0) as u64),
        retry: None,
        idempotent: false,
        resources: attune_types::ResourceLimits::default(),
        artifacts: Vec::new(),
        secrets: Vec::new(),
        secret_delivery: attune_types::SecretDelivery::Helper,
        secret_parameters: Vec::new(),
    }
}

/// A file name as the name of an action: lower case, without its extension, anything unusual as `_`.
fn inline_name(file_name: &str) -> String {
    let stem = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem);
    let name: String = stem
        .to_lowercase()
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() || "_-".contains(character) { character } else { '_' })
        .take(60)
        .collect();
    if name.starts_with(|first: char| first.is_ascii_alphanumeric()) { name } else { format!("script{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_becomes_a_valid_action_name() {
        for (file, name) in [("Script.PY", "script"), ("a b.sh", "a_b"), (".hidden", "script"), ("_x.js", "script_x")] {
            assert_eq!(inline_name(file), name, "{file}");
            assert!(format!("inline.{}", inline_name(file)).parse::<ActionRef>().is_ok());
        }
    }

    #[test]
    fn overrides_win_over_the_action() {
        let action: ActionSpec = serde_json::from_value(serde_json::json!({
            "ref": "demo.x", "runner_type": "Python", "entry_point": "x.py", "timeout_seconds": 1.5,
            "worker_selector": {"zone": "a"},
        }))
        .expect("an action");
        let plain = execution_spec(&action, "1.0.0", &Overrides::default());
        assert_eq!((plain.timeout_ms, plain.requirement.runtime.as_str()), (1500, "python"));
        let overrides =
            Overrides { timeout_ms: Some(9), worker_labels: BTreeMap::from([("gpu".to_owned(), "yes".to_owned())]) };
        let overridden = execution_spec(&action, "1.0.0", &overrides);
        assert_eq!(overridden.timeout_ms, 9);
        assert_eq!(overridden.requirement.labels.len(), 2);
    }
}
