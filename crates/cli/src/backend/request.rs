//! What is to be run, checked and complete.

use std::collections::BTreeMap;
use std::time::Duration;

use attune_types::{ActionSpec, InlineCode, OutputFormat};
use serde_json::{Map, Value};

/// A file that lies in no pack.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// Its name and its text.
    pub(crate) code: InlineCode,
    /// What runs it.
    pub(crate) runtime: String,
    /// How its result is read.
    pub(crate) output_format: OutputFormat,
}

/// What is to be run.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// An action of a pack.
    Action(Box<ActionSpec>),
    /// A file.
    Script(Script),
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// What.
    pub(crate) what: What,
    /// With which parameters, complete with defaults.
    pub(crate) parameters: Map<String, Value>,
    /// How long it may take, when that is not what the action says.
    pub(crate) timeout: Option<Duration>,
    /// Free words.
    pub(crate) labels: BTreeMap<String, String>,
    /// Makes a repetition of this request answer with the same execution.
    pub(crate) idempotency_key: String,
}

impl What {
    /// Whether what it writes to standard output is its result rather than something to read.
    pub(crate) fn stdout_is_result(&self) -> bool {
        let format = match self {
            Self::Action(action) => action.output_format,
            Self::Script(script) => script.output_format,
        };
        matches!(format, OutputFormat::Json | OutputFormat::Yaml)
    }

    /// Its name for people.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Action(action) => action.action_ref.to_string(),
            Self::Script(script) => script.code.name.clone(),
        }
    }
}
