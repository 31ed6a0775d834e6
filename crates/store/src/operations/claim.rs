//! Claiming, one after the other inside one transaction.

use attune_types::{AttemptState, ExecutionSpec, ExecutionStatus, Incarnation};

use crate::model::{ClaimAnswer, ClaimRequest, Claimed, Hold};
use crate::session::Sql;
use crate::token;
use crate::trouble::Trouble;
use crate::unit::{Unit, document_of};

const CLAIM: Sql = Sql::same(
    "UPDATE execution_attempt SET state = $3, token_hash = $4, claimed_at = $5, started_at = $6, lease_ends_at = $7 \
     WHERE execution_id = $1 AND attempt = $2",
);

const RUN: Sql = Sql::same("UPDATE execution SET status = 'running', started_at = $2 WHERE id = $1");

const WORK: Sql = Sql::same("SELECT spec, parameters FROM execution_request WHERE id = $1");

/// Claims what is assigned to this incarnation and answers everything else with a refusal.
pub(crate) async fn claim(
    unit: &mut Unit,
    incarnation: Incarnation,
    requests: &[ClaimRequest],
) -> Result<Vec<ClaimAnswer>, Trouble> {
    let mut answers = Vec::with_capacity(requests.len());
    for request in requests {
        answers.push(claim_one(unit, incarnation, request).await?);
    }
    Ok(answers)
}

async fn claim_one(unit: &mut Unit, incarnation: Incarnation, request: &ClaimRequest) -> Result<ClaimAnswer, Trouble> {
    let Some(standing) = unit.lock(request.execution).await? else { return Ok(ClaimAnswer::Refused) };
    let Some(attempt) = unit.attempt(request.execution, request.attempt).await? else {
        return Ok(ClaimAnswer::Refused);
    };
    if standing.status != ExecutionStatus::Scheduled
        || attempt.state != AttemptState::Assigned
        || attempt.incarnation != incarnation.0
    {
        return Ok(ClaimAnswer::Refused);
    }
    let (id, now) = (request.execution.0, unit.now);
    let token = token::fresh()?;
    let work = unit.one(WORK, vec![id.into()]).await?.ok_or(sqlx::Error::RowNotFound)?;
    let spec: ExecutionSpec = document_of(&work, "spec")?;
    let held = match &request.hold {
        Hold::Nothing => false,
        Hold::Everything => true,
        Hold::Actions(actions) => actions.contains(&spec.action.to_string()),
    };
    let state = if held { AttemptState::Claimed } else { AttemptState::Running };
    let values = vec![
        id.into(),
        request.attempt.0.into(),
        state.as_str().into(),
        token::hash(token).into(),
        now.into(),
        (!held).then_some(now).into(),
        now.saturating_add(request.lease_ms.saturating_mul(1000)).into(),
    ];
    unit.run(CLAIM, values).await?;
    if !held {
        unit.run(RUN, vec![id.into(), now.into()]).await?;
        unit.touched.executions.push(request.execution);
    }
    Ok(ClaimAnswer::Granted(Box::new(Claimed {
        execution: request.execution,
        attempt: request.attempt,
        held,
        token,
        spec,
        parameters: document_of(&work, "parameters")?,
        trace: standing.trace,
    })))
}
