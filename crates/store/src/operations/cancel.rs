//! Cancelling.

use attune_types::{AttemptState, ExecutionId, ExecutionStatus, Outcome, Payload};

use crate::model::CancelAnswer;
use crate::read_back::storable;
use crate::session::Sql;
use crate::trouble::Trouble;
use crate::unit::{Ending, Unit};

const CANCELING: Sql = Sql::same("UPDATE execution SET status = 'canceling', cancel_by = $2 WHERE id = $1");

/// What has not started ends at once; what runs becomes `canceling` and its worker is told.
pub(crate) async fn cancel(unit: &mut Unit, id: ExecutionId, by: &str) -> Result<CancelAnswer, Trouble> {
    let by = storable(by);
    let Some(standing) = unit.lock(id).await? else { return Ok(CancelAnswer::Unknown) };
    match standing.status {
        ExecutionStatus::Canceling => Ok(CancelAnswer::Canceling),
        status if status.is_terminal() => Ok(CancelAnswer::AlreadyEnded(status)),
        ExecutionStatus::Running => {
            unit.run(CANCELING, vec![id.0.into(), by.into()]).await?;
            unit.touched.executions.push(id);
            if let Some(attempt) = unit.attempt(id, standing.attempts).await? {
                let order = Payload::Cancel { execution: id, worker: attempt.worker };
                unit.send(&order, standing.trace.clone()).await?;
            }
            Ok(CancelAnswer::Canceling)
        }
        _ => {
            let attempt = unit.attempt(id, standing.attempts).await?.filter(|attempt| attempt.state.is_live());
            if let Some(attempt) = attempt {
                let ending = Ending { reason: Some("cancelled before anything ran"), ..Ending::default() };
                unit.end_attempt(id, attempt.number, AttemptState::Superseded, ending).await?;
                if attempt.state == AttemptState::Claimed {
                    // Its worker prepares the environment: tell it to stop that.
                    let order = Payload::Cancel { execution: id, worker: attempt.worker };
                    unit.send(&order, standing.trace.clone()).await?;
                }
            }
            let outcome = Outcome::Cancelled { by: by.clone() };
            unit.end(&standing, ExecutionStatus::Cancelled, Some(&outcome), None, standing.tries, Some(by)).await?;
            Ok(CancelAnswer::Cancelled)
        }
    }
}
