//! `attune action show`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use attune_types::{ActionRef, ActionSpec, ParameterSpec};
use clap::Args;
use serde_json::Value;

use crate::arguments::Global;
use crate::backend::{Client, Local};
use crate::error::CliError;
use crate::output::Table;

/// Shows one action: what it takes, what it answers, and how it is run
#[derive(Debug, Args)]
#[command(after_help = "Example:
  attune action show examples.hello")]
pub(crate) struct Arguments {
    /// pack.action
    #[arg(value_name = "ACTION")]
    action: ActionRef,
    /// A folder of packs; may be given several times and wins over the configuration
    #[arg(long, value_name = "DIR")]
    packs_dir: Vec<PathBuf>,
}

/// Shows it.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let found = match Client::configured(global)? {
        Some(client) => client.action(&arguments.action)?,
        None => Local::load(global, &arguments.packs_dir)?.library.action(&arguments.action).cloned(),
    };
    let action = found.ok_or_else(|| CliError::NotFound {
        what: "action",
        name: arguments.action.to_string(),
        hint: "`attune action list` shows the actions".into(),
    })?;
    global.printer().one(&action, |action| action.action_ref.to_string(), people)?;
    Ok(ExitCode::SUCCESS)
}

fn people(action: &ActionSpec) -> String {
    let mut text = format!("{}\n{}\n\n", action.action_ref, action.description.trim());
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<12} {value}");
    };
    let version = action.runtime_version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    line("runtime", format!("{}{version}", action.runner_type));
    line("entry point", action.entry_point.clone());
    line("timeout", format!("{} s", action.timeout_seconds));
    line("idempotent", if action.idempotent { "yes" } else { "no" }.to_owned());
    if let Some(retry) = &action.retry {
        line("retry", format!("at most {} attempts", retry.max_attempts));
    }
    if !action.enabled {
        line("enabled", "no".to_owned());
    }
    if !action.tags.is_empty() {
        line("tags", action.tags.join(", "));
    }
    if action.parameters.is_empty() {
        text.push_str("\nno parameters\n");
        return text;
    }
    let mut table = Table::new(&["parameter", "type", "required", "default", "description"]);
    for (name, spec) in &action.parameters {
        table.row([
            name.clone(),
            kind(spec),
            if spec.required { "yes" } else { "" }.to_owned(),
            if spec.secret {
                "***".to_owned()
            } else {
                spec.default.as_ref().map(Value::to_string).unwrap_or_default()
            },
            spec.schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
        ]);
    }
    text.push('\n');
    text.push_str(&table.render());
    text
}

fn kind(spec: &ParameterSpec) -> String {
    match spec.schema.get("type") {
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ if spec.schema.contains_key("enum") => "one of a list".to_owned(),
        _ => "any".to_owned(),
    }
}
