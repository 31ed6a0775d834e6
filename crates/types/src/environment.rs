//! Environments: what a pack needs beside the interpreter, how it is made, and what became of it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::command_line::CommandLine;
use crate::runtime::EnvironmentChange;
use crate::timestamp::Timestamp;

/// How a runtime prepares what packs need: recipes as data.
///
/// Texts may hold the placeholders of [`PLACEHOLDERS`]. Each is filled inside its own argument and never split again; a
/// command that is a string is run by `/bin/sh -c` as it stands, and finds the same places in variables: `{pack_dir}` is
/// `$ATTUNE_PACK_DIR` there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// Files, relative to the pack, that say what it needs. The first that is there decides the recipe; all that are
    /// there are part of the environment's identity. A pack that has none of them needs no environment.
    pub manifests: Vec<String>,
    /// More files and folders of the pack that are part of the environment's identity, e.g. `vendor`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// Ways to make it; the first whose condition holds is taken.
    pub recipes: Vec<Recipe>,
    /// The interpreter of a ready environment, when it has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Variables of whatever runs in a ready environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env_vars: BTreeMap<String, EnvironmentChange>,
    /// A command that succeeds in a ready environment. It is run before a worker uses an environment for the first time;
    /// one that fails it is made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<CommandLine>,
}

/// One way to make an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// When it applies.
    #[serde(default)]
    pub when: RecipeCondition,
    /// Files and folders of the pack that are copied into the environment before the first step, when they are there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<String>,
    /// What is run, one after the other.
    pub steps: Vec<RecipeStep>,
}

/// When a recipe applies. Nothing: always.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeCondition {
    /// The deciding manifest is this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// This program is there: beside the interpreter, or on `PATH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
}

/// One step of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeStep {
    /// What it is called when it fails.
    pub name: String,
    /// What is run. A program without a slash is looked for beside the interpreter and then on `PATH`.
    pub run: CommandLine,
    /// Where it is run; by default in the environment's own folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// Variables of the tool. They win over what the worker hands through.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env_vars: BTreeMap<String, String>,
}

/// The placeholders that texts of an [`EnvironmentSpec`] may hold, and the variables in which a shell finds the same.
pub const PLACEHOLDERS: [(&str, &str); 7] = [
    ("{pack_dir}", "ATTUNE_PACK_DIR"),
    ("{environment_dir}", "ATTUNE_ENVIRONMENT_DIR"),
    ("{interpreter}", "ATTUNE_INTERPRETER"),
    ("{interpreter_dir}", "ATTUNE_INTERPRETER_DIR"),
    ("{manifest}", "ATTUNE_MANIFEST"),
    ("{tool}", "ATTUNE_TOOL"),
    ("{cache_dir}", "ATTUNE_CACHE_DIR"),
];

/// Where an environment stands on one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentState {
    /// It is being made, here or by another worker on the same volume.
    Building,
    /// It can be used.
    Ready,
    /// It could not be made. The next execution that needs it tries again.
    Failed,
}

impl EnvironmentState {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for EnvironmentState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The word is no state of an environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is no state of an environment")]
pub struct UnknownEnvironmentState {
    /// What was read.
    pub word: String,
}

impl FromStr for EnvironmentState {
    type Err = UnknownEnvironmentState;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Building, Self::Ready, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| UnknownEnvironmentState { word: word.to_owned() })
    }
}

/// What a worker told about one environment last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// The worker's name.
    pub worker: String,
    /// The pack that needs it.
    pub pack: String,
    /// The runtime's name, lower case.
    pub runtime: String,
    /// Its identity: equal exactly when everything is equal that its content depends on.
    pub fingerprint: String,
    /// Where it stands.
    pub state: EnvironmentState,
    /// The interpreter it is made for: path and version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub interpreter: String,
    /// Where it lies on that worker, when it is ready.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub directory: String,
    /// Bytes on disk, when they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// How long it took to make, in milliseconds; absent when another worker made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// The step it is in, or that failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub step: String,
    /// The last output of its tools when it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub log: String,
    /// When this was told.
    pub changed_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_reads_as_it_is_written_and_refuses_what_it_does_not_know() {
        let text = r#"{"manifests": ["a.lock", "a.txt"], "recipes": [
            {"when": {"manifest": "a.lock", "tool": "aa"}, "steps": [{"name": "install", "run": ["{tool}", "x y"]}]},
            {"copies": ["vendor"], "steps": [{"name": "all", "run": "a && b", "env_vars": {"X": "{cache_dir}"}}]}],
            "program": "{environment_dir}/bin/a", "env_vars": {"A_PATH": {"prepend": "{environment_dir}/lib"}}}"#;
        let spec: EnvironmentSpec = serde_json::from_str(text).expect("reads");
        assert_eq!(spec.recipes[0].when.tool.as_deref(), Some("aa"));
        assert_eq!(spec.recipes[1].steps[0].run, CommandLine::Shell("a && b".into()));
        let again: EnvironmentSpec =
            serde_json::from_str(&serde_json::to_string(&spec).expect("writes")).expect("reads again");
        assert_eq!(again, spec);
        assert!(serde_json::from_str::<EnvironmentSpec>(r#"{"manifests": [], "recipes": [], "check_": []}"#).is_err());
    }

    #[test]
    fn states_are_their_words() {
        for state in [EnvironmentState::Building, EnvironmentState::Ready, EnvironmentState::Failed] {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("half".parse::<EnvironmentState>().is_err());
    }
}
