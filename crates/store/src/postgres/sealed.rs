//! Assigning with secrets: the statement that assigns a whole list, and one that lays beside each attempt what is sealed
//! for it, in one transaction.

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
    transaction.commit().await?;
    Ok((assigned, touched))
}
