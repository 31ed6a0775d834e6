//! The words of Attune: ids, states, outcomes, specifications, read models and wire messages.
//!
//! # Theory of operation
//!
//! Every other crate speaks in these types, so this one depends on serde alone: no I/O, no clock, no async.
//! States are closed enums whose text form is the one stored in the database, sent in the API and printed by the
//! command line, and whose legal moves are one table ([`ExecutionStatus::may_become`], [`AttemptState::may_become`])
//! that the stores' triggers repeat and a conformance test compares.
//!
//! | module | holds |
//! |---|---|
//! | [`id`] | newtypes for identities |
//! | [`version`] | versions of interpreters and constraints on them |
//! | [`timestamp`] | a moment in time as the database told it |
//! | [`status`] | states of executions, attempts and workers |
//! | [`outcome`] | why an attempt ended, with evidence |
//! | [`child_variables`] | who may set which variable in the environment of a child |
//! | [`command_line`] | a command as YAML says it |
//! | [`environment`] | what a pack needs beside its interpreter |
//! | [`evidence`] | what a worker saw of an attempt |
//! | [`limit`] | what may be limited, and who holds it |
//! | [`interpreter`] | interpreters that were found on a machine |
//! | [`action`] | what an action and a pack declare |
//! | [`runtime`] | what a runtime declares |
//! | [`execution`] | executions, attempts, events and logs as they are read |
//! | [`mod@timeline`] | an execution as a dated story |
//! | [`words`] | numbers as people read them |
//! | [`worker`] | workers and their capabilities |
//! | [`artifact`] | files that attempts left behind |
//! | [`message`] | what travels through the broker: ids only |

pub mod action;
pub mod artifact;
pub mod child_variables;
pub mod command_line;
pub mod environment;
pub mod evidence;
pub mod execution;
pub mod id;
pub mod interpreter;
pub mod limit;
pub mod message;
#[cfg(attune_mutants)]
pub mod mutant;
pub mod outcome;
pub mod plain_text;
pub mod runtime;
mod secret_outputs;
pub mod status;
pub mod timeline;
pub mod timestamp;
pub mod told;
pub mod version;
pub mod words;
pub mod worker;

pub use action::{
    ActionRef, ActionSpec, Backoff, InlineCode, OutputFormat, PackSpec, ParameterDelivery, ParameterFormat,
    ParameterSpec, Requirement, ResourceLimits, RetryCause, RetryPolicy, SecretDelivery,
};
pub use artifact::{Artifact, ArtifactRule, DetailedArtifactRule};
pub use child_variables::{VariableRule, variable_refusal};
pub use command_line::CommandLine;
pub use environment::{Environment, EnvironmentSpec, EnvironmentState, Recipe, RecipeCondition, RecipeStep};
pub use evidence::{
    Evidence, GapEvidence, LeakEvidence, LimitEvidence, OutputEvidence, SandboxEvidence, SurvivorEvidence,
};
pub use execution::{Attempt, Execution, ExecutionEvent, ExecutionSpec, LogChunk, LogStream};
pub use id::{AttemptNumber, ExecutionId, Incarnation, LeaseToken, WorkerId};
pub use interpreter::{DetectedInterpreter, Libc};
pub use limit::{Enforcement, LimitKind};
pub use message::{Envelope, Payload};
pub use outcome::{MemoryOf, NearestMiss, Outcome, Resources};
pub use plain_text::{PlainText, PlainTextAnswer};
pub use runtime::RuntimeSpec;
pub use secret_outputs::{has_secret_outputs, schema_parts};
pub use status::{AttemptState, ExecutionStatus, WorkerStatus};
pub use timeline::{TimelineEntry, timeline};
pub use timestamp::Timestamp;
pub use told::Told;
pub use version::{Version, VersionConstraint};
pub use worker::{Capabilities, Worker};
