//! What a worker may do to an attempt, by where the attempt stands and what the worker shows.

use attune_types::{AttemptState, ExecutionStatus};

/// What a decision about a worker's wish looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Where the execution stands.
    pub status: ExecutionStatus,
    /// Where the attempt stands.
    pub state: AttemptState,
    /// Whether the attempt was assigned to the very life of the worker that asks.
    pub is_own: bool,
    /// Whether the worker shows the token of the attempt.
    pub has_token: bool,
}

/// What a claim is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimVerdict {
    /// It is the worker's from now on.
    Grant,
    /// It was the worker's already, and the answer that said so got lost: the same answer once more.
    GrantAgain {
        /// Whether its start has still to be allowed.
        held: bool,
    },
    /// It was the worker's already, nothing of it ran, and meanwhile somebody cancelled: it ends here.
    Cancel,
    /// Stale, repeated, cancelled, superseded or somebody else's.
    Refuse,
}

/// Decides a claim. `again`: the worker asked before, heard no answer, and has therefore started nothing.
///
/// The token is what makes asking again safe. Whoever claims makes it up and shows it each time, so a message that is
/// delivered twice, which comes without the token of the first claim, can never be taken for a claim that is repeated.
#[must_use]
pub const fn claim(facts: Facts, again: bool) -> ClaimVerdict {
    if !facts.is_own {
        return ClaimVerdict::Refuse;
    }
    let repeated = again && facts.has_token;
    match (facts.state, facts.status) {
        (AttemptState::Assigned, ExecutionStatus::Scheduled) => ClaimVerdict::Grant,
        (AttemptState::Claimed, ExecutionStatus::Scheduled) if repeated => ClaimVerdict::GrantAgain { held: true },
        (AttemptState::Running, ExecutionStatus::Running) if repeated => ClaimVerdict::GrantAgain { held: false },
        (AttemptState::Running, ExecutionStatus::Canceling) if repeated => ClaimVerdict::Cancel,
        _ => ClaimVerdict::Refuse,
    }
}

/// Whether the start barrier of a held claim opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartVerdict {
    /// It opens.
    Open,
    /// It was opened before, and the answer got lost: the same answer once more.
    OpenAlready,
    /// It stays shut.
    Refuse,
}

/// Decides whether a held claim starts. Only the one executor that holds the token asks, and before it starts anything,
/// so an attempt that counts as running was let start by a call whose answer it never heard.
#[must_use]
pub const fn start(facts: Facts) -> StartVerdict {
    if !(facts.is_own && facts.has_token) {
        return StartVerdict::Refuse;
    }
    match facts.state {
        AttemptState::Claimed => StartVerdict::Open,
        AttemptState::Running => StartVerdict::OpenAlready,
        _ => StartVerdict::Refuse,
    }
}

/// What becomes of an attempt that is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandBackVerdict {
    /// Its execution goes back to its place in the queue.
    Requeue,
    /// Its start had been allowed and was not made use of: its execution waits for another attempt.
    Retry,
    /// Its start had been allowed, was not made use of, and meanwhile somebody cancelled: it ends here.
    Cancel,
    /// It is not the worker's to give.
    Refuse,
}

/// Decides what becomes of an attempt that is given back. `never_started`: the worker vouches that it made no use of the
/// start that it was allowed. Without that word nothing that counts as running is taken back.
#[must_use]
pub const fn hand_back(facts: Facts, never_started: bool) -> HandBackVerdict {
    if !facts.is_own {
        return HandBackVerdict::Refuse;
    }
    match (facts.state, facts.status) {
        // It has no token yet: being assigned to this life is the right to it.
        (AttemptState::Assigned, _) => HandBackVerdict::Requeue,
        (AttemptState::Claimed, _) if facts.has_token => HandBackVerdict::Requeue,
        (AttemptState::Running, ExecutionStatus::Running) if facts.has_token && never_started => HandBackVerdict::Retry,
        (AttemptState::Running, ExecutionStatus::Canceling) if facts.has_token && never_started => {
            HandBackVerdict::Cancel
        }
        _ => HandBackVerdict::Refuse,
    }
}

/// What becomes of an end that a worker reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompleteVerdict {
    /// It counts.
    Apply,
    /// The attempt has ended otherwise; the word is kept aside.
    Late,
    /// It is not the worker's to say.
    Refuse,
}

/// Decides what becomes of an end. The life does not matter here, only the token: ends are also offered by the life that
/// follows. Nor does the lease: an end that is late but that nobody overtook is a fact, and facts count.
#[must_use]
pub fn complete(facts: Facts) -> CompleteVerdict {
    #[cfg(attune_mutants)]
    let facts = mutated(facts);
    if !facts.has_token {
        return CompleteVerdict::Refuse;
    }
    match facts.state {
        AttemptState::Running => CompleteVerdict::Apply,
        // Nothing may have run, so there is nothing to say about it yet.
        AttemptState::Assigned | AttemptState::Claimed => CompleteVerdict::Refuse,
        _ => CompleteVerdict::Late,
    }
}

/// The facts as a store with a known fault sees them.
#[cfg(attune_mutants)]
fn mutated(mut facts: Facts) -> Facts {
    use attune_types::mutant;
    facts.has_token |= mutant::is("fence_without_token");
    if mutant::is("no_fence_in_complete") && !facts.state.is_live() {
        facts.state = AttemptState::Running;
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Facts> {
        let flags = [false, true];
        ExecutionStatus::ALL.iter().flat_map(move |status| {
            AttemptState::ALL.iter().flat_map(move |state| {
                flags.into_iter().flat_map(move |is_own| {
                    flags.into_iter().map(move |has_token| Facts { status: *status, state: *state, is_own, has_token })
                })
            })
        })
    }

    #[test]
    fn nothing_is_granted_to_another_life() {
        for facts in all().filter(|facts| !facts.is_own) {
            assert_eq!(claim(facts, true), ClaimVerdict::Refuse, "{facts:?}");
            assert_eq!(start(facts), StartVerdict::Refuse, "{facts:?}");
            assert_eq!(hand_back(facts, true), HandBackVerdict::Refuse, "{facts:?}");
        }
    }

    #[test]
    fn a_repeated_message_is_never_taken_for_a_repeated_claim() {
        for facts in all().filter(|facts| facts.state != AttemptState::Assigned) {
            assert_eq!(claim(facts, false), ClaimVerdict::Refuse, "{facts:?}");
            let without = Facts { has_token: false, ..facts };
            assert_eq!(claim(without, true), ClaimVerdict::Refuse, "{facts:?}");
        }
    }

    #[test]
    fn what_counts_as_running_is_given_back_only_on_the_word_that_it_never_started() {
        for facts in all().filter(|facts| facts.state == AttemptState::Running) {
            assert_eq!(hand_back(facts, false), HandBackVerdict::Refuse, "{facts:?}");
            let without = Facts { has_token: false, ..facts };
            assert_eq!(hand_back(without, true), HandBackVerdict::Refuse, "{facts:?}");
        }
    }

    #[test]
    fn an_end_counts_exactly_for_what_runs_and_only_with_its_token() {
        for facts in all() {
            let counts = complete(facts) == CompleteVerdict::Apply;
            assert_eq!(counts, facts.has_token && facts.state == AttemptState::Running, "{facts:?}");
        }
    }

    #[test]
    fn what_has_ended_stays_as_it_is() {
        for facts in all().filter(|facts| !facts.state.is_live()) {
            assert_eq!(claim(facts, true), ClaimVerdict::Refuse, "{facts:?}");
            assert_eq!(start(facts), StartVerdict::Refuse, "{facts:?}");
            assert_eq!(hand_back(facts, true), HandBackVerdict::Refuse, "{facts:?}");
            assert_ne!(complete(facts), CompleteVerdict::Apply, "{facts:?}");
        }
    }

    #[test]
    fn a_lost_answer_is_given_once_more() {
        let facts = |state, status| Facts { status, state, is_own: true, has_token: true };
        for (state, status, expected) in [
            (AttemptState::Claimed, ExecutionStatus::Scheduled, ClaimVerdict::GrantAgain { held: true }),
            (AttemptState::Running, ExecutionStatus::Running, ClaimVerdict::GrantAgain { held: false }),
            (AttemptState::Running, ExecutionStatus::Canceling, ClaimVerdict::Cancel),
            (AttemptState::Lost, ExecutionStatus::Abandoned, ClaimVerdict::Refuse),
        ] {
            assert_eq!(claim(facts(state, status), true), expected, "{state} {status}");
        }
        assert_eq!(start(facts(AttemptState::Running, ExecutionStatus::Running)), StartVerdict::OpenAlready);
    }
}
