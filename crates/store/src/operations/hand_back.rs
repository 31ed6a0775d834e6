//! Attempts that never started, and held claims that start.

use attune_types::{AttemptState, Incarnation};

use crate::model::{Answered, HandBack};
use crate::read_back::storable;
use crate::rules::{self, HandBackVerdict, StartVerdict};
use crate::session::Sql;
use crate::trouble::Trouble;
use crate::unit::{Ending, Unit};

const START: Sql = Sql::same(
    "UPDATE execution_attempt SET state = 'running', started_at = $3 WHERE execution_id = $1 AND attempt = $2",
);

const RUN: Sql = Sql::same("UPDATE execution SET status = 'running', started_at = $2 WHERE id = $1");

/// Requests in the order in which their executions are locked, each with its place in the answer.
fn in_lock_order(requests: &[HandBack]) -> Vec<(usize, &HandBack)> {
    let mut ordered: Vec<_> = requests.iter().enumerate().collect();
    ordered.sort_by_key(|(_, request)| request.execution);
    ordered
}

/// Gives back attempts that never started.
pub(crate) async fn hand_back(
    unit: &mut Unit,
    incarnation: Incarnation,
    requests: &[HandBack],
    most_unstarted: i32,
) -> Result<Vec<Answered>, Trouble> {
    let mut answers = vec![Answered::Refused; requests.len()];
    for (place, request) in in_lock_order(requests) {
        let Some(standing) = unit.lock(request.execution).await? else { continue };
        let Some(attempt) = unit.attempt(request.execution, request.attempt).await? else { continue };
        let facts = Unit::facts(&standing, &attempt, Some(incarnation), request.token);
        let reason = storable(&request.reason);
        match (rules::hand_back(facts, request.never_started), &request.outcome) {
            (HandBackVerdict::Refuse, _) => continue,
            (HandBackVerdict::Cancel, _) => unit.end_unstarted(&standing, &attempt).await?,
            (HandBackVerdict::Retry, _) => {
                unit.take_unstarted(&standing, &attempt, &reason, most_unstarted).await?;
            }
            (HandBackVerdict::Requeue, None) => {
                unit.hand_back(&standing, &attempt, &reason, most_unstarted).await?;
            }
            (HandBackVerdict::Requeue, Some(outcome)) => {
                let state = match attempt.state {
                    AttemptState::Claimed => AttemptState::Failed,
                    _ => AttemptState::Rejected,
                };
                let ending = Ending { outcome: Some(outcome), reason: Some(&reason), ..Ending::default() };
                unit.end_attempt(request.execution, request.attempt, state, ending).await?;
                unit.settle(&standing, outcome, None).await?;
            }
        }
        answers[place] = Answered::Accepted;
    }
    Ok(answers)
}

/// Opens the start barrier of held claims.
pub(crate) async fn start(
    unit: &mut Unit,
    incarnation: Incarnation,
    requests: &[HandBack],
) -> Result<Vec<Answered>, Trouble> {
    let mut answers = vec![Answered::Refused; requests.len()];
    let now = unit.now;
    for (place, request) in in_lock_order(requests) {
        let Some(standing) = unit.lock(request.execution).await? else { continue };
        let Some(attempt) = unit.attempt(request.execution, request.attempt).await? else { continue };
        match rules::start(Unit::facts(&standing, &attempt, Some(incarnation), request.token)) {
            StartVerdict::Open => {
                unit.run(START, vec![request.execution.0.into(), request.attempt.0.into(), now.into()]).await?;
                unit.run(RUN, vec![request.execution.0.into(), now.into()]).await?;
                unit.touched.executions.push(request.execution);
            }
            StartVerdict::OpenAlready => {}
            StartVerdict::Refuse => continue,
        }
        answers[place] = Answered::Accepted;
    }
    Ok(answers)
}
