//! Running once more what has ended.

use attune_types::{ExecutionId, ExecutionStatus, Outcome};

use crate::model::{NewExecution, RetryAnswer};
use crate::read_back::{from_word, maybe_document, storable};
use crate::session::{Session, Sql};
use crate::trouble::Trouble;
use crate::unit::document_of;

const ORIGINAL: Sql = Sql::same(
    "SELECT e.status, e.outcome, r.spec, r.parameters, r.labels, r.trace \
     FROM execution e JOIN execution_request r ON r.id = e.id WHERE e.id = $1",
);

/// What a retry comes to: a request to submit, or an answer at once. No lock is needed, because what has ended never
/// changes again.
pub(crate) async fn repeat(
    session: &mut dyn Session,
    id: ExecutionId,
    may_run_twice: bool,
    by: &str,
) -> Result<Result<NewExecution, RetryAnswer>, Trouble> {
    let rows = session.all(ORIGINAL, vec![id.0.into()]).await?;
    let Some(row) = rows.first() else { return Ok(Err(RetryAnswer::Unknown)) };
    let status: ExecutionStatus = from_word("execution.status", &row.get::<String>("status")?)?;
    if !status.is_terminal() {
        return Ok(Err(RetryAnswer::NotEnded(status)));
    }
    let spec: attune_types::ExecutionSpec = document_of(row, "spec")?;
    let outcome: Option<Outcome> = maybe_document("execution.outcome", row.get("outcome")?)?;
    let unknown = status == ExecutionStatus::Abandoned
        || matches!(outcome, Some(Outcome::WorkerLost { .. } | Outcome::Interrupted { .. }));
    if unknown && !may_run_twice && !spec.idempotent {
        return Ok(Err(RetryAnswer::MayRunTwice));
    }
    Ok(Ok(NewExecution {
        spec,
        parameters: document_of(row, "parameters")?,
        idempotency_key: None,
        requested_by: Some(storable(by)),
        labels: document_of(row, "labels")?,
        trace: row.get("trace")?,
        retry_of: Some(id),
    }))
}
