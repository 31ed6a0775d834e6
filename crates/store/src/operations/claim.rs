//! Claiming, one after the other inside one transaction.

use attune_types::{AttemptState, ExecutionSpec, Incarnation};

use crate::model::{ClaimAnswer, ClaimRequest, Claimed, Hold};
use crate::rules::{self, ClaimVerdict};
use crate::session::Sql;
use crate::token;
use crate::trouble::Trouble;
use crate::unit::{Unit, document_of};

const CLAIM: Sql = Sql::same(
    "UPDATE execution_attempt SET state = $3, token_hash = $4, claimed_at = $5, started_at = $6, lease_ends_at = $7 \
     WHERE execution_id = $1 AND attempt = $2",
);

const RENEW: Sql =
    Sql::same("UPDATE execution_attempt SET lease_ends_at = $3 WHERE execution_id = $1 AND attempt = $2");

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
    let facts = Unit::facts(&standing, &attempt, Some(incarnation), Some(request.token));
    let verdict = rules::claim(facts, request.again);
    match verdict {
        ClaimVerdict::Grant | ClaimVerdict::GrantAgain { .. } => {}
        ClaimVerdict::Cancel => {
            unit.end_unstarted(&standing, &attempt).await?;
            return Ok(ClaimAnswer::Refused);
        }
        ClaimVerdict::Refuse => return Ok(ClaimAnswer::Refused),
    }
    let (id, now) = (request.execution.0, unit.now);
    let lease_ends_at = now.saturating_add(request.lease_ms.saturating_mul(1000));
    let work = unit.one(WORK, vec![id.into()]).await?.ok_or(sqlx::Error::RowNotFound)?;
    let spec: ExecutionSpec = document_of(&work, "spec")?;
    let held = match (verdict, &request.hold) {
        (ClaimVerdict::GrantAgain { held }, _) => held,
        (_, Hold::Nothing) => false,
        (_, Hold::Everything) => true,
        (_, Hold::Actions(actions)) => actions.contains(&spec.action.to_string()),
    };
    if matches!(verdict, ClaimVerdict::GrantAgain { .. }) {
        unit.run(RENEW, vec![id.into(), request.attempt.0.into(), lease_ends_at.into()]).await?;
    } else {
        let state = if held { AttemptState::Claimed } else { AttemptState::Running };
        let values = vec![
            id.into(),
            request.attempt.0.into(),
            state.as_str().into(),
            token::hash(request.token).into(),
            now.into(),
            (!held).then_some(now).into(),
            lease_ends_at.into(),
        ];
        unit.run(CLAIM, values).await?;
        if !held {
            unit.run(RUN, vec![id.into(), now.into()]).await?;
            unit.touched.executions.push(request.execution);
        }
    }
    Ok(ClaimAnswer::Granted(Box::new(Claimed {
        execution: request.execution,
        attempt: request.attempt,
        held,
        token: request.token,
        spec,
        parameters: document_of(&work, "parameters")?,
        trace: standing.trace,
        sealed: attempt.sealed,
    })))
}
