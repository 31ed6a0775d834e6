use std::time::Duration;

use proptest::prelude::*;

use super::*;

const GRACE: Duration = Duration::from_secs(5);
const RUN: u64 = 7;
const NO_FENCE: FenceTimes = FenceTimes { terminate_at: None, kill_at: None };

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn running(stopping: Stopping) -> State {
    State::Running { run: RUN, grace: GRACE, stopping }
}

fn not(deadline: Option<u64>) -> State {
    running(Stopping::Not { deadline: deadline.map(at) })
}

fn asked(by: StoppedBy, kill_at: u64) -> State {
    running(Stopping::Asked { by, kill_at: at(kill_at) })
}

fn lingering(stopped: Option<StoppedBy>, until: u64) -> State {
    State::Lingering { run: RUN, stopped, until: at(until) }
}

fn killing(stopped: Option<StoppedBy>, is_unseen: bool, then: Then, begun: u64) -> State {
    State::kill(RUN, stopped, is_unseen, then, at(begun))
}

fn tick(terminate_at: Option<u64>, kill_at: Option<u64>) -> Event {
    Event::Tick { fence: FenceTimes { terminate_at: terminate_at.map(at), kill_at: kill_at.map(at) } }
}

fn told(stopped: Option<StoppedBy>) -> Vec<Effect> {
    vec![Effect::TellEnded { run: RUN, stopped, is_incomplete: false }]
}

#[test]
fn every_step_follows_the_table() {
    use StoppedBy::{Fence, Timeout, Worker};
    let exited = |is_empty| Event::RootEnded { how: How::Exited(0), is_empty };
    let killed = |is_empty| Event::RootEnded { how: How::Signaled(libc::SIGKILL), is_empty };
    let kill = vec![Effect::Kill, Effect::TellKilling { run: RUN }];
    let clean = vec![Effect::NameSurvivors, Effect::Kill];
    let nothing = Vec::new();
    for (before, event, now, after, effects) in [
        // Idle.
        (State::Idle, Event::Started { run: RUN, timeout: Some(at(10)), grace: GRACE }, 1, not(Some(11)), vec![]),
        (State::Idle, Event::Kill { run: RUN }, 1, State::Idle, vec![]),
        (State::Idle, Event::Empty, 1, State::Idle, vec![]),
        (State::Idle, tick(None, Some(1)), 9, State::Idle, vec![]),
        (State::Idle, Event::Abandoned, 1, State::Over, vec![Effect::Leave]),
        // The short way: one message.
        (not(Some(10)), exited(true), 2, State::Idle, told(None)),
        // Time.
        (not(Some(10)), tick(None, None), 9, not(Some(10)), nothing.clone()),
        (not(Some(10)), tick(None, None), 10, asked(Timeout, 15), vec![Effect::Terminate]),
        (not(None), tick(None, None), 1_000, not(None), nothing.clone()),
        (asked(Timeout, 15), tick(None, None), 14, asked(Timeout, 15), nothing.clone()),
        (asked(Timeout, 15), tick(None, None), 15, killing(Some(Timeout), false, Then::Tell, 15), kill.clone()),
        // The fence.
        (not(Some(99)), tick(Some(8), Some(9)), 8, asked(Fence, 13), vec![Effect::Terminate]),
        (asked(Fence, 13), tick(Some(8), Some(9)), 8, asked(Fence, 13), nothing.clone()),
        (asked(Fence, 13), tick(Some(8), Some(9)), 9, killing(Some(Fence), false, Then::Tell, 9), kill.clone()),
        (asked(Worker, 99), tick(Some(8), Some(9)), 9, killing(Some(Worker), false, Then::Tell, 9), kill.clone()),
        (not(None), tick(Some(8), Some(9)), 50, killing(Some(Fence), true, Then::Tell, 50), kill.clone()),
        // The worker's wishes; the first reason stands, and a late message about an earlier run is about nothing.
        (not(None), Event::Stop { run: RUN }, 3, asked(Worker, 8), vec![Effect::Terminate]),
        (not(None), Event::Stop { run: 6 }, 3, not(None), nothing.clone()),
        (asked(Timeout, 9), Event::Stop { run: RUN }, 3, asked(Timeout, 9), nothing.clone()),
        (not(None), Event::Kill { run: RUN }, 3, killing(Some(Worker), true, Then::Tell, 3), kill.clone()),
        (not(None), Event::Kill { run: 6 }, 3, not(None), nothing.clone()),
        (asked(Timeout, 9), Event::Kill { run: RUN }, 3, killing(Some(Timeout), false, Then::Tell, 3), kill.clone()),
        (asked(Worker, 9), exited(true), 4, State::Idle, told(Some(Worker))),
        // Descendants outlive the root.
        (not(None), exited(false), 4, lingering(None, 7), vec![Effect::TellRootEnded { run: RUN }]),
        (asked(Worker, 5), exited(false), 4, lingering(Some(Worker), 5), vec![Effect::TellRootEnded { run: RUN }]),
        (lingering(None, 7), Event::Empty, 5, State::Idle, told(None)),
        (lingering(None, 7), Event::Finish { run: RUN }, 5, killing(None, false, Then::Tell, 5), clean.clone()),
        (lingering(None, 7), Event::Finish { run: 6 }, 5, lingering(None, 7), nothing.clone()),
        (lingering(None, 7), tick(None, None), 6, lingering(None, 7), nothing.clone()),
        (lingering(None, 7), tick(None, None), 7, killing(None, false, Then::Tell, 7), clean.clone()),
        (lingering(None, 7), tick(None, Some(5)), 5, killing(None, false, Then::Tell, 5), clean),
        // Killing.
        (killing(Some(Worker), true, Then::Tell, 3), killed(true), 3, State::Idle, told(Some(Worker))),
        (killing(Some(Worker), true, Then::Tell, 3), exited(true), 3, State::Idle, told(None)),
        (killing(Some(Worker), false, Then::Tell, 3), exited(true), 3, State::Idle, told(Some(Worker))),
        (killing(None, false, Then::Tell, 3), Event::Empty, 3, State::Idle, told(None)),
        (killing(None, false, Then::Leave, 3), Event::Empty, 3, State::Over, vec![Effect::Leave]),
        (
            killing(Some(Timeout), false, Then::Tell, 3),
            tick(None, None),
            8,
            State::Over,
            vec![Effect::TellEnded { run: RUN, stopped: Some(Timeout), is_incomplete: true }, Effect::Leave],
        ),
        (killing(None, false, Then::Leave, 3), tick(None, None), 8, State::Over, vec![Effect::Leave]),
        // Nobody is there any more.
        (not(None), Event::Abandoned, 3, killing(None, false, Then::Leave, 3), vec![Effect::Kill]),
        (lingering(None, 7), Event::Abandoned, 3, killing(None, false, Then::Leave, 3), vec![Effect::Kill]),
        (killing(None, false, Then::Tell, 3), Event::Abandoned, 4, killing(None, false, Then::Leave, 3), nothing),
    ] {
        let described = format!("{before:?} {event:?} at {now}");
        assert_eq!(before.decide(event, at(now)), (after, effects), "{described}");
    }
}

#[test]
fn a_tree_that_does_not_die_is_killed_again_and_again() {
    let state = killing(None, false, Then::Tell, 3);
    let next = state.wake_at(NO_FENCE, at(3)).expect("it looks again");
    assert_eq!(next, at(3) + BETWEEN_ROUNDS);
    let (state, effects) = state.decide(Event::Tick { fence: NO_FENCE }, next);
    assert_eq!(effects, [Effect::Kill]);
    assert_eq!(state.wake_at(NO_FENCE, next), Some(next + BETWEEN_ROUNDS));
}

#[test]
fn who_waits_for_work_is_never_woken_and_who_works_looks_at_the_fence() {
    let fence = FenceTimes { terminate_at: Some(at(33)), kill_at: Some(at(38)) };
    assert_eq!(State::Idle.wake_at(fence, at(1)), None);
    assert_eq!(not(None).wake_at(fence, at(1)), Some(at(33)));
    assert_eq!(not(Some(20)).wake_at(fence, at(1)), Some(at(20)));
    assert_eq!(asked(StoppedBy::Fence, 99).wake_at(fence, at(34)), Some(at(38)));
    // One may be put up while the child runs.
    assert_eq!(not(None).wake_at(NO_FENCE, at(1)), Some(at(1) + LOOK_AT_FENCE_EVERY));
}

fn event() -> impl Strategy<Value = Event> {
    let run = 6_u64..9;
    let moment = prop::option::of((0_u64..40).prop_map(at));
    prop_oneof![
        (run.clone(), prop::option::of(0_u64..20)).prop_map(|(run, timeout)| Event::Started {
            run,
            timeout: timeout.map(at),
            grace: GRACE
        }),
        run.clone().prop_map(|run| Event::Stop { run }),
        run.clone().prop_map(|run| Event::Kill { run }),
        run.prop_map(|run| Event::Finish { run }),
        Just(Event::Abandoned),
        any::<bool>().prop_map(|is_empty| Event::RootEnded { how: How::Exited(1), is_empty }),
        Just(Event::Empty),
        (moment.clone(), moment)
            .prop_map(|(terminate_at, kill_at)| Event::Tick { fence: FenceTimes { terminate_at, kill_at } }),
    ]
}

proptest! {
    /// Whatever happens in whatever order: a run that was begun ends within a bounded number of ticks once it is
    /// abandoned, the end of each run is told at most once, and a guard that waits for work has nothing to guard.
    #[test]
    fn every_run_ends_once_and_every_abandoned_guard_leaves(events in prop::collection::vec((event(), 0_u64..3), 0..60)) {
        let (mut state, mut now, mut begun, mut ended) = (State::Idle, at(0), 0, 0);
        for (event, later) in events {
            now += at(later);
            if state == State::Idle && matches!(event, Event::Started { .. }) {
                begun += 1;
            }
            let (next, effects) = state.decide(event, now);
            ended += effects.iter().filter(|effect| matches!(effect, Effect::TellEnded { .. })).count();
            prop_assert!(ended <= begun, "an end was told of a run that never began");
            prop_assert!(next != State::Idle || ended == begun || state == State::Idle);
            state = next;
        }
        let (mut state, _) = state.decide(Event::Abandoned, now);
        for _ in 0..10_000 {
            if state == State::Over {
                break;
            }
            now = state.wake_at(NO_FENCE, now).expect("something is left to do").max(now);
            state = state.decide(Event::Tick { fence: NO_FENCE }, now).0;
        }
        prop_assert_eq!(state, State::Over);
    }
}
