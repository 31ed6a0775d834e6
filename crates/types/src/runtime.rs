//! What packs declare of runtimes: how an interpreter is found, how a script is started, what a pack needs under it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::command_line::CommandLine;
use crate::environment::EnvironmentSpec;
use crate::version::VersionConstraint;

/// How an interpreter is told apart from others by its version command.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectionSpec {
    /// Program names to look for, best first.
    #[serde(default)]
    pub binaries: Vec<String>,
    /// Arguments that make it print its version.
    #[serde(default)]
    pub version_arguments: Vec<String>,
    /// Pattern whose first group is the version; absent: the first dotted number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_regex: Option<String>,
    /// What it is given on standard input for that, when it has no option that does it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version_input: String,
    /// The whole version command, in the place of the interpreter with `version_arguments`. A string is run by
    /// `/bin/sh -c`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_command: Option<CommandLine>,
    /// Directories to search after `PATH`. `*` stands for any name, `~` for the worker's home, `$NAME` at the beginning
    /// for an absolute path in a variable of the worker.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<String>,
}

/// How a script is started.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecutionConfig {
    /// The interpreter's absolute path or program name; absent: what detection finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<String>,
    /// The whole command, in the place of interpreter, arguments and script: a list is run directly, a string by
    /// `/bin/sh -c`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandLine>,
    /// Arguments between the interpreter and the script.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// File extension of its scripts, without the dot.
    #[serde(default)]
    pub extension: String,
    /// Run the entry point itself, without an interpreter.
    #[serde(default)]
    pub direct: bool,
    /// Variables that point at the pack's shared code, e.g. `PYTHONPATH`.
    #[serde(default)]
    pub env_vars: BTreeMap<String, EnvironmentChange>,
}

/// How one environment variable is made. Values may hold `{pack_dir}` and `{environment_dir}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentChange {
    /// Replace it.
    Set(String),
    /// Put in front of what is there, separated by a colon.
    Prepend(String),
    /// Put behind what is there, separated by a colon.
    Append(String),
}

/// A runtime, as `runtimes/<name>.yaml` declares it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeSpec {
    /// `pack.name`, e.g. `core.python`.
    #[serde(rename = "ref")]
    pub runtime_ref: String,
    /// The name that actions use.
    pub name: String,
    /// A short name for people.
    #[serde(default)]
    pub label: String,
    /// What it runs.
    #[serde(default)]
    pub description: String,
    /// Other names for it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// How a script is started.
    #[serde(default)]
    pub execution_config: ExecutionConfig,
    /// How what packs need beside the interpreter is made; absent: nothing can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentSpec>,
    /// How its interpreters are found.
    #[serde(default)]
    pub detection: DetectionSpec,
    /// The versions that this definition is for, any of these; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<VersionConstraint>,
    /// Whether it is only a template: a runtime once a worker finds its interpreter.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub template: bool,
    /// Whether it was made from what a worker found rather than declared by a pack.
    #[serde(default)]
    pub auto_detected: bool,
}
