//! Completing, one after the other inside one transaction.

use crate::model::{Answered, Completion};
use crate::operations::{logs, secrets};
use crate::read_back::to_text;
use crate::rules::{self, CompleteVerdict};
use crate::session::Sql;
use crate::token;
use crate::trouble::Trouble;
use crate::unit::{Ending, Unit};

// The first late word stays; whoever comes later still knows no more than it did.
const LATE: Sql = Sql::same(
    "UPDATE execution_attempt SET late_outcome = $4 \
     WHERE execution_id = $1 AND attempt = $2 AND token_hash = $3 AND NOT live AND late_outcome IS NULL \
     AND (outcome IS NULL OR outcome <> $4)",
);

/// Ends running attempts. A stale worker is refused, and what it had to say is kept aside.
pub(crate) async fn complete(unit: &mut Unit, completions: &[Completion]) -> Result<Vec<Answered>, Trouble> {
    let mut answers = vec![Answered::Refused; completions.len()];
    let mut ordered: Vec<_> = completions.iter().enumerate().collect();
    ordered.sort_by_key(|(_, completion)| completion.execution);
    for (place, completion) in ordered {
        answers[place] = complete_one(unit, completion).await?;
    }
    Ok(answers)
}

async fn complete_one(unit: &mut Unit, completion: &Completion) -> Result<Answered, Trouble> {
    let (id, number) = (completion.execution, completion.attempt);
    let Some(standing) = unit.lock(id).await? else { return Ok(Answered::Refused) };
    let Some(attempt) = unit.attempt(id, number).await? else { return Ok(Answered::Refused) };
    match rules::complete(Unit::facts(&standing, &attempt, None, Some(completion.token))) {
        CompleteVerdict::Apply => {}
        CompleteVerdict::Late => {
            let hash = token::hash(completion.token);
            let values = vec![id.0.into(), number.0.into(), hash.into(), to_text(&completion.outcome)?.into()];
            if unit.run(LATE, values).await? > 0 {
                logs::append(unit.session(), &completion.logs).await?;
                unit.touched.executions.push(id);
            }
            return Ok(Answered::Refused);
        }
        CompleteVerdict::Refuse => return Ok(Answered::Refused),
    }
    logs::append(unit.session(), &completion.logs).await?;
    let ending = Ending {
        outcome: Some(&completion.outcome),
        resources: completion.resources.as_ref(),
        evidence: completion.evidence.as_ref(),
        reason: None,
    };
    unit.end_attempt(id, number, completion.outcome.attempt_state(), ending).await?;
    secrets::keep_outputs(unit, completion).await?;
    unit.settle(&standing, &completion.outcome, completion.result.as_ref()).await?;
    Ok(Answered::Accepted)
}
