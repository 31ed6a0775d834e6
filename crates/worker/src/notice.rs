//! What others may know about executions on this worker, as they happen.

use actix::Message;
use attune_types::{ActionRef, AttemptNumber, ExecutionId, Outcome, Resources, Timestamp};

/// Something happened to an execution on this worker. Sent to every observer, in order per execution; an observer that
/// crashed receives what was sent meanwhile when it is back, because its mailbox survives.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ExecutionNotice {
    /// User code was started.
    Started {
        /// Which execution.
        execution: ExecutionId,
        /// Which try.
        attempt: AttemptNumber,
        /// What runs.
        action: ActionRef,
        /// Number of the root process.
        pid: i32,
        /// When, by this machine's clock.
        at: Timestamp,
    },
    /// The attempt is over and what came of it was stored, or refused because the attempt is no longer this worker's.
    Ended {
        /// Which execution.
        execution: ExecutionId,
        /// Which try.
        attempt: AttemptNumber,
        /// What ran.
        action: ActionRef,
        /// Why it ended.
        outcome: Outcome,
        /// What it used, when it was started at all.
        resources: Option<Resources>,
        /// Whether the store took it.
        accepted: bool,
        /// When, by this machine's clock.
        at: Timestamp,
    },
}

impl Message for ExecutionNotice {
    type Result = ();
}
