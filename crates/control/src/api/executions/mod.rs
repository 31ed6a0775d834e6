//! Requests about executions.

pub(crate) mod cancel;
pub(crate) mod explain;
pub(crate) mod list;
pub(crate) mod read;
pub(crate) mod request;
pub(crate) mod retry;
pub(crate) mod reveal;
pub(crate) mod submit;

use attune_types::ExecutionId;

use super::problem::Problem;

/// Reads an id from a path. What is no number names nothing, so it is not found rather than malformed.
pub(crate) fn id_of(text: &str) -> Result<ExecutionId, Problem> {
    text.parse().map_err(|_| Problem::not_found(format!("there is no execution {text:?}")))
}

/// Where an execution is read.
pub(crate) fn href(id: ExecutionId) -> String {
    format!("/api/v1/executions/{id}")
}
