//! What a heartbeat is answered.

use std::collections::HashSet;

use attune_types::{AttemptNumber, AttemptState, ExecutionId, ExecutionStatus};

use crate::model::BeatReply;

/// A live attempt of the worker that beats, in the life that beats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveAttempt {
    /// Which execution.
    pub execution: ExecutionId,
    /// Which try.
    pub attempt: AttemptNumber,
    /// Where it stands.
    pub state: AttemptState,
    /// Where its execution stands.
    pub status: ExecutionStatus,
    /// Who cancelled it.
    pub cancel_by: Option<String>,
}

/// What a worker must know that says that it holds these attempts, and which of their leases are renewed.
///
/// Only what it holds is renewed: a claim whose answer never arrived is held by nobody, and its lease must run out unless
/// the claim is asked for again.
#[must_use]
pub fn beat(
    holding: &[(ExecutionId, AttemptNumber)],
    drain: bool,
    live: Vec<LiveAttempt>,
) -> (BeatReply, Vec<(ExecutionId, AttemptNumber)>) {
    let mut reply = BeatReply { drain, ..BeatReply::default() };
    let said: HashSet<_> = holding.iter().copied().collect();
    let mut known = HashSet::new();
    let mut renewed = Vec::new();
    for LiveAttempt { execution, attempt, state, status, cancel_by } in live {
        let key = (execution, attempt);
        if state == AttemptState::Assigned {
            reply.assigned.push(key);
            continue;
        }
        known.insert(key);
        if said.contains(&key) {
            renewed.push(key);
        }
        if status == ExecutionStatus::Canceling {
            reply.cancels.push((execution, attempt, cancel_by.unwrap_or_default()));
        }
    }
    reply.superseded = holding.iter().copied().filter(|key| !known.contains(key)).collect();
    (reply, renewed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attempt_is_offered_renewed_cancelled_or_taken_away_as_it_stands() {
        let key = |number| (ExecutionId(number), AttemptNumber::FIRST);
        let live = |number, state, status| LiveAttempt {
            execution: ExecutionId(number),
            attempt: AttemptNumber::FIRST,
            state,
            status,
            cancel_by: (status == ExecutionStatus::Canceling).then(|| "ann".to_owned()),
        };
        let (reply, renewed) = beat(
            &[key(2), key(3), key(9)],
            true,
            vec![
                live(1, AttemptState::Assigned, ExecutionStatus::Scheduled),
                live(2, AttemptState::Running, ExecutionStatus::Running),
                live(3, AttemptState::Running, ExecutionStatus::Canceling),
                live(4, AttemptState::Claimed, ExecutionStatus::Scheduled),
            ],
        );
        let expected = BeatReply {
            drain: true,
            replaced: false,
            cancels: vec![(ExecutionId(3), AttemptNumber::FIRST, "ann".to_owned())],
            superseded: vec![key(9)],
            assigned: vec![key(1)],
        };
        assert_eq!(reply, expected);
        assert_eq!(renewed, [key(2), key(3)], "what it does not know of is not renewed");
    }
}
