//! The life of one attempt on this worker: which step follows which, without any actor, process or clock.
//!
//! ```text
//! Preparing --prepared--> Opening --opened--> Starting --started--> Running --ended--> Over
//!     |          (held claims only)              ^
//!     +----------------prepared (started by the claim itself)
//! ```
//!
//! From `Preparing` and `Opening` a held claim is handed back; everything later is completed with an outcome. Exactly
//! one of [`Effect::Complete`] and [`Effect::HandBack`] is asked for in every life, and nothing after it.

use attune_types::Outcome;

use super::ended_child::EndedChild;
use super::stop_cause::StopCause;

/// Where an attempt stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its environment is being made ready. `held`: the store has not been told that it starts.
    Preparing {
        /// Whether the store has still to be told that it starts.
        held: bool,
    },
    /// The store is being asked to let it start.
    Opening,
    /// The process is being started; nobody can be signalled yet.
    Starting {
        /// What was asked for meanwhile.
        stop: Option<Stop>,
    },
    /// The process runs.
    Running {
        /// What was asked for.
        stop: Option<Stop>,
    },
    /// Nothing follows.
    Over,
}

/// A stop that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Why; the first cause stands.
    pub cause: StopCause,
    /// Without grace.
    pub kill: bool,
}

/// What happens to an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The environment is ready, or why it never will be.
    Prepared(Result<(), Outcome>),
    /// Whether the store lets a held claim start.
    Opened(bool),
    /// The process was started.
    Started,
    /// The process is gone, or never was.
    Ended(EndedChild),
    /// It shall stop.
    Stop(Stop),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the store to let it start.
    Open,
    /// Start the process.
    Start,
    /// Ask the process to stop.
    Terminate(StopCause),
    /// Kill the process.
    Kill,
    /// Report the end.
    Complete(Outcome),
    /// Give back what never started; with an outcome when waiting elsewhere cannot help.
    HandBack {
        /// Why.
        reason: String,
        /// What its execution ends with.
        outcome: Option<Outcome>,
    },
    /// Nothing to report: the attempt belongs to somebody else.
    Leave,
}

impl State {
    /// What follows from `event`.
    #[must_use]
    pub fn step(self, event: Event) -> (Self, Vec<Effect>) {
        #[cfg(attune_mutants)]
        if attune_types::mutant::is("no_start_barrier")
            && self == (Self::Preparing { held: true })
            && event == Event::Prepared(Ok(()))
        {
            return (Self::Starting { stop: None }, vec![Effect::Start]);
        }
        match (self, event) {
            (Self::Preparing { held: false }, Event::Prepared(Ok(()))) => {
                (Self::Starting { stop: None }, vec![Effect::Start])
            }
            (Self::Preparing { held: true }, Event::Prepared(Ok(()))) => (Self::Opening, vec![Effect::Open]),
            (Self::Preparing { held: false }, Event::Prepared(Err(outcome))) => {
                (Self::Over, vec![Effect::Complete(outcome)])
            }
            (Self::Preparing { held: true }, Event::Prepared(Err(outcome))) => {
                (Self::Over, vec![Effect::HandBack { reason: outcome.summary(), outcome: Some(outcome) }])
            }
            (Self::Preparing { held: false }, Event::Stop(stop)) => {
                (Self::Over, vec![Effect::Complete(stop.cause.outcome())])
            }
            // The answer to `Open` is on its way and may be yes, so an opening attempt that is stopped waits for it.
            (Self::Preparing { held: true }, Event::Stop(stop)) => {
                (Self::Over, vec![Effect::HandBack { reason: stop.cause.words(), outcome: None }])
            }
            (Self::Opening, Event::Opened(true)) => (Self::Starting { stop: None }, vec![Effect::Start]),
            (Self::Opening, Event::Opened(false)) => (Self::Over, vec![Effect::Leave]),
            (Self::Starting { stop }, Event::Started) => {
                let effects = stop.iter().map(Stop::effect).collect();
                (Self::Running { stop }, effects)
            }
            (Self::Starting { stop }, Event::Stop(next)) => {
                (Self::Starting { stop: Some(Stop::merge(stop, next)) }, Vec::new())
            }
            (Self::Running { stop }, Event::Stop(next)) => {
                let merged = Stop::merge(stop.clone(), next);
                let effects = if stop.as_ref() == Some(&merged) { Vec::new() } else { vec![merged.effect()] };
                (Self::Running { stop: Some(merged) }, effects)
            }
            (Self::Starting { stop } | Self::Running { stop }, Event::Ended(end)) => {
                (Self::Over, vec![Effect::Complete(end.outcome(stop.map(|stop| stop.cause).as_ref()))])
            }
            (unchanged, _) => (unchanged, Vec::new()),
        }
    }
}

impl Stop {
    fn merge(earlier: Option<Self>, later: Self) -> Self {
        match earlier {
            Some(earlier) => Self { cause: earlier.cause, kill: earlier.kill || later.kill },
            None => later,
        }
    }

    fn effect(&self) -> Effect {
        if self.kill { Effect::Kill } else { Effect::Terminate(self.cause.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::ended_child::Ran;
    use attune_process::{How, StopReason};
    use proptest::prelude::*;

    fn ended(how: How, stopped: Option<StopReason>) -> Event {
        let ran = Ran { how, stopped, limit_ms: 1, invalid: None, oom: None, sent_by: None };
        Event::Ended(EndedChild::Ran(ran))
    }

    fn exited() -> Event {
        ended(How::Exited(0), None)
    }

    fn killed() -> Event {
        ended(How::Signaled(9), Some(StopReason::Requested("x".into())))
    }

    fn cancel(kill: bool) -> Event {
        Event::Stop(Stop { cause: StopCause::Cancelled { by: "ada".into() }, kill })
    }

    fn drain(kill: bool) -> Event {
        Event::Stop(Stop { cause: StopCause::Draining { by: "SIGTERM".into() }, kill })
    }

    fn run(held: bool, events: Vec<Event>) -> Vec<Effect> {
        let mut state = State::Preparing { held };
        let mut effects = Vec::new();
        for event in events {
            let (next, new) = state.step(event);
            state = next;
            effects.extend(new);
        }
        effects
    }

    #[test]
    fn every_story_has_its_effects() {
        let broken = || Outcome::EnvironmentFailed { step: "pip".into(), log: String::new() };
        let by_ada = || StopCause::Cancelled { by: "ada".into() };
        let ok = || Event::Prepared(Ok(()));
        for (held, events, expected) in [
            (
                false,
                vec![ok(), Event::Started, exited()],
                vec![Effect::Start, Effect::Complete(Outcome::Exited { code: 0 })],
            ),
            (
                true,
                vec![ok(), Event::Opened(true), Event::Started, exited()],
                vec![Effect::Open, Effect::Start, Effect::Complete(Outcome::Exited { code: 0 })],
            ),
            (true, vec![ok(), Event::Opened(false), exited()], vec![Effect::Open, Effect::Leave]),
            (false, vec![Event::Prepared(Err(broken()))], vec![Effect::Complete(broken())]),
            (
                true,
                vec![Event::Prepared(Err(broken()))],
                vec![Effect::HandBack { reason: broken().summary(), outcome: Some(broken()) }],
            ),
            (
                true,
                vec![drain(false), ok()],
                vec![Effect::HandBack { reason: "interrupted by SIGTERM".into(), outcome: None }],
            ),
            (false, vec![cancel(false)], vec![Effect::Complete(by_ada().outcome())]),
            // Asked to stop before there is anything to signal.
            (
                false,
                vec![ok(), cancel(false), Event::Started, killed()],
                vec![Effect::Start, Effect::Terminate(by_ada()), Effect::Complete(by_ada().outcome())],
            ),
            // Kill overrides grace, the first cause stands, a repetition does nothing.
            (
                false,
                vec![ok(), Event::Started, cancel(false), drain(false), drain(true), drain(true), killed()],
                vec![Effect::Start, Effect::Terminate(by_ada()), Effect::Kill, Effect::Complete(by_ada().outcome())],
            ),
            (
                false,
                vec![ok(), Event::Ended(EndedChild::NotStarted(broken())), Event::Started],
                vec![Effect::Start, Effect::Complete(broken())],
            ),
        ] {
            let described = format!("{held} {events:?}");
            assert_eq!(run(held, events), expected, "{described}");
        }
    }

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::Prepared(Ok(()))),
            Just(Event::Prepared(Err(Outcome::InterpreterMissing { name: "r".into() }))),
            any::<bool>().prop_map(Event::Opened),
            Just(Event::Started),
            Just(exited()),
            Just(killed()),
            any::<bool>().prop_map(cancel),
            any::<bool>().prop_map(drain),
        ]
    }

    fn is_last(effect: &Effect) -> bool {
        matches!(effect, Effect::Complete(_) | Effect::HandBack { .. } | Effect::Leave)
    }

    proptest! {
        #[test]
        fn no_life_is_reported_twice_and_nothing_follows_the_report(
            held in any::<bool>(), events in proptest::collection::vec(any_event(), 0..20)
        ) {
            let effects = run(held, events);
            if let Some(first) = effects.iter().position(is_last) {
                prop_assert_eq!(first, effects.len() - 1);
            }
            prop_assert!(effects.iter().filter(|effect| **effect == Effect::Start).count() <= 1);
        }

        #[test]
        fn what_was_started_is_never_handed_back(
            held in any::<bool>(), events in proptest::collection::vec(any_event(), 0..20)
        ) {
            let effects = run(held, events);
            let started = effects.contains(&Effect::Start);
            let given_back = effects.iter().any(|effect| matches!(effect, Effect::HandBack { .. }));
            prop_assert!(!(started && given_back));
        }

        #[test]
        fn a_process_that_ends_is_always_reported(
            held in any::<bool>(), events in proptest::collection::vec(any_event(), 0..20)
        ) {
            let mut events = events;
            events.extend([Event::Prepared(Ok(())), Event::Opened(true), Event::Started, exited()]);
            prop_assert!(run(held, events).last().is_some_and(is_last));
        }
    }
}
