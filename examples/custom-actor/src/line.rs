//! One line of the trail.

use attune_worker::ExecutionNotice;
use serde_json::json;

/// The line for a notice, without its end; `None` for notices that this trail does not know.
#[must_use]
pub fn line(notice: &ExecutionNotice) -> Option<String> {
    let value = match notice {
        ExecutionNotice::Started { execution, attempt, action, pid, at } => json!({
            "at": at, "event": "started", "execution": execution, "attempt": attempt, "action": action, "pid": pid,
        }),
        ExecutionNotice::Ended { execution, attempt, action, outcome, resources, accepted, at } => json!({
            "at": at, "event": "ended", "execution": execution, "attempt": attempt, "action": action,
            "outcome": outcome, "summary": outcome.summary(), "accepted": accepted,
            "wall_ms": resources.map(|resources| resources.wall_ms),
        }),
        _ => return None,
    };
    Some(value.to_string())
}
