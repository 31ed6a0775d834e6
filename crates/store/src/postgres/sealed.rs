//! Assigning with secrets: the statement that assigns a whole list, and one that lays beside each attempt what is sealed
//! for it, in one transaction.

use attune_secret::Envelope;
use sqlx::postgres::PgPool;
use sqlx::query;

use super::bulk;
use crate::model::{Assigned, Assignment, ReaperPolicy};
use crate::secret_store::SealedAssignment;
use crate::trouble::Trouble;
use crate::wake_bus::Touched;

const SEAL: &str = "\
UPDATE execution_attempt a SET sealed = u.sealed \
FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS u (execution, attempt, sealed) \
WHERE a.execution_id = u.execution AND a.attempt = u.attempt AND a.state = 'assigned'";

/// See [`crate::operations::secrets::await_outputs`].
const AWAIT_OUTPUTS: &str = "\
SELECT attune_await_outputs(u.execution, u.attempt, u.key_id, u.wrapped_key, attune_now()) \
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[]) AS u (execution, attempt, key_id, wrapped_key)";

pub(super) async fn assign(
    pool: &PgPool,
    assignments: &[SealedAssignment],
    policy: &ReaperPolicy,
) -> Result<(Vec<Assigned>, Touched), Trouble> {
    let plain: Vec<Assignment> = assignments.iter().map(|one| one.assignment).collect();
    let mut transaction = pool.begin().await?;
    let (assigned, touched) = bulk::assign(&mut *transaction, &plain, policy).await?;
    let made: Vec<&SealedAssignment> = assigned
        .iter()
        .filter_map(|made| {
            assignments.iter().find(|one| one.assignment.execution == made.execution && one.attempt == made.attempt)
        })
        .collect();
    if made.len() < assigned.len() {
        // Sealed for another attempt: its worker could not open it.
        transaction.rollback().await?;
        return Ok((Vec::new(), Touched::default()));
    }
    query(SEAL)
        .bind(made.iter().map(|one| one.assignment.execution.0).collect::<Vec<_>>())
        .bind(made.iter().map(|one| i64::from(one.attempt.0)).collect::<Vec<_>>())
        .bind(made.iter().map(|one| one.sealed.clone()).collect::<Vec<_>>())
        .execute(&mut *transaction)
        .await?;
    let waiting: Vec<(&SealedAssignment, &Envelope)> =
        made.iter().filter_map(|one| Some((*one, one.outputs.as_ref()?))).collect();
    if !waiting.is_empty() {
        query(AWAIT_OUTPUTS)
            .bind(waiting.iter().map(|(one, _)| one.assignment.execution.0).collect::<Vec<_>>())
            .bind(waiting.iter().map(|(one, _)| i64::from(one.attempt.0)).collect::<Vec<_>>())
            .bind(waiting.iter().map(|(_, envelope)| i64::from(envelope.key_id)).collect::<Vec<_>>())
            .bind(waiting.iter().map(|(_, envelope)| envelope.wrapped_key.clone()).collect::<Vec<_>>())
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok((assigned, touched))
}
