//! Executions, attempts, events and logs as they are requested and as they are read back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::action::{
    ActionRef, InlineCode, OutputFormat, ParameterDelivery, ParameterFormat, Requirement, ResourceLimits, RetryPolicy,
    SecretDelivery,
};
use crate::artifact::ArtifactRule;
use crate::evidence::Evidence;
use crate::id::{AttemptNumber, ExecutionId};
use crate::outcome::{Outcome, Resources};
use crate::status::{AttemptState, ExecutionStatus};
use crate::timestamp::Timestamp;

/// Everything a worker needs to know to run one execution, fixed when it was submitted: a pack that changes later
/// changes nothing for executions that exist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecutionSpec {
    /// What runs.
    pub action: ActionRef,
    /// Version of the pack it came from; absent for inline code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack_version: Option<String>,
    /// The file to run, relative to the pack's `actions` folder; the name of the inline code otherwise.
    pub entry_point: String,
    /// The code itself when it lies in no pack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<InlineCode>,
    /// What its worker must offer.
    pub requirement: Requirement,
    /// How parameters reach it.
    #[serde(default)]
    pub parameter_delivery: ParameterDelivery,
    /// How parameters are written.
    #[serde(default)]
    pub parameter_format: ParameterFormat,
    /// How its result is read.
    #[serde(default)]
    pub output_format: OutputFormat,
    /// JSON schema of the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Wall-clock limit in milliseconds.
    pub timeout_ms: u64,
    /// When a failed attempt is repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryPolicy>,
    /// Whether running it twice has the effect of running it once.
    #[serde(default)]
    pub idempotent: bool,
    /// What it may use.
    #[serde(default)]
    pub resources: ResourceLimits,
    /// The files that it leaves behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<ArtifactRule>,
    /// Names of the secrets that it may read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// How they reach it.
    #[serde(default, skip_serializing_if = "SecretDelivery::is_helper")]
    pub secret_delivery: SecretDelivery,
    /// Parameters whose values are never shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_parameters: Vec<String>,
}

/// One request to run an action, as it is read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// Its id.
    pub id: ExecutionId,
    /// What runs.
    pub action: ActionRef,
    /// Where it stands.
    pub status: ExecutionStatus,
    /// What was asked; secret values shown as `***`.
    pub parameters: Map<String, Value>,
    /// Why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What it answered.
    pub result: Option<Value>,
    /// How many attempts were made.
    pub attempts: i32,
    /// What its worker must offer.
    pub requirement: Requirement,
    /// Name of the worker of the newest attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// Free words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// When it was accepted.
    pub requested_at: Timestamp,
    /// When the newest attempt started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When the next attempt may start, while it is `retrying`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
}

/// One try of an execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which execution.
    pub execution: ExecutionId,
    /// Which try.
    pub attempt: AttemptNumber,
    /// Where it stands.
    pub state: AttemptState,
    /// Name of its worker.
    pub worker: String,
    /// Why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// What its worker saw of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// When it was assigned.
    pub assigned_at: Timestamp,
    /// When its worker took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<Timestamp>,
    /// When user code was allowed to start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Until when its worker holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_ends_at: Option<Timestamp>,
    /// Why it was taken away or handed back before anything of it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What a worker reported after the attempt had been settled without it; never applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_outcome: Option<Outcome>,
}

/// One thing that happened to an execution; append-only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionEvent {
    /// Increasing over all executions.
    pub id: i64,
    /// Which execution.
    pub execution: ExecutionId,
    /// Which try, when it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptNumber>,
    /// A dotted word: `execution.requested`, `attempt.assigned`, `execution.completed`, ...
    pub kind: String,
    /// Details, an object.
    pub detail: Value,
    /// When.
    pub at: Timestamp,
}

/// Which stream bytes came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Words of the worker about the execution.
    System,
}

impl LogStream {
    /// The number the stores keep.
    #[must_use]
    pub const fn as_number(self) -> i16 {
        match self {
            Self::Stdout => 1,
            Self::Stderr => 2,
            Self::System => 3,
        }
    }

    /// The stream with this number.
    #[must_use]
    pub const fn from_number(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::Stdout),
            2 => Some(Self::Stderr),
            3 => Some(Self::System),
            _ => None,
        }
    }
}

/// A piece of output: the bytes as they came, in order per stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogChunk {
    /// Which execution.
    pub execution: ExecutionId,
    /// Which try.
    pub attempt: AttemptNumber,
    /// Order inside the attempt, from 0, without gaps.
    pub sequence: i64,
    /// Where the bytes came from.
    pub stream: LogStream,
    /// Position of the first byte in its stream. A jump says how much was left out.
    pub offset: u64,
    /// When the first byte was read.
    pub at: Timestamp,
    /// The bytes, kept exactly.
    pub bytes: Vec<u8>,
}
