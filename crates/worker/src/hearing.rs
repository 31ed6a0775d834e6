//! What a delivery means to a worker: the decision, without any connection.

use attune_types::{Incarnation, Payload, WorkerId};

use crate::executions::Key;

/// What a delivery means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// An attempt may be claimed; the delivery is settled when the claim was answered.
    Offer(Key),
    /// There is something to ask for, and nothing in the message counts beyond that: beat now, settle at once.
    Beat,
    /// It is meant for an earlier life of this worker, or no order at all: settle at once.
    Nothing,
}

/// What a delivery means to this life of a worker.
#[must_use]
pub fn meaning(payload: &Payload, id: WorkerId, incarnation: Incarnation) -> Meaning {
    match payload {
        Payload::Scheduled { execution, attempt, worker, incarnation: meant }
            if *worker == id && *meant == incarnation =>
        {
            Meaning::Offer(Key::new(*execution, *attempt))
        }
        Payload::Cancel { .. } => Meaning::Beat,
        _ => Meaning::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use attune_types::{AttemptNumber, ExecutionId};

    use super::*;

    #[test]
    fn only_what_is_meant_for_this_life_is_offered() {
        let (me, now, before) = (WorkerId(7), Incarnation([1; 16]), Incarnation([2; 16]));
        let (execution, attempt) = (ExecutionId(1), AttemptNumber::FIRST);
        let scheduled = |worker, incarnation| Payload::Scheduled { execution, attempt, worker, incarnation };
        for (payload, expected) in [
            (scheduled(me, now), Meaning::Offer(Key::new(execution, attempt))),
            (scheduled(me, before), Meaning::Nothing),
            (scheduled(WorkerId(8), now), Meaning::Nothing),
            (Payload::Cancel { execution, worker: me }, Meaning::Beat),
            (
                Payload::Completed { execution, status: attune_types::ExecutionStatus::Completed, outcome: None },
                Meaning::Nothing,
            ),
        ] {
            assert_eq!(meaning(&payload, me, now), expected, "{payload:?}");
        }
    }
}
