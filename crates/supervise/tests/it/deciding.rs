//! The pure decision: a table, and properties for what a table cannot list.

use std::time::Duration;

use attune_supervise::{Backoff, Exit, History, Policy, Restart, Strategy, Verdict, decide};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn policy() -> Policy {
    let backoff = Backoff { min: SECOND, max: SECOND * 8, factor: 2.0, jitter: 0.0 };
    Policy { intensity: 3, period: SECOND * 60, backoff, healthy_after: SECOND * 100 }
}

fn exits() -> [Exit; 5] {
    [Exit::Normal, Exit::Shutdown, Exit::Failed("f".into()), Exit::Panicked("p".into()), Exit::Stuck]
}

#[test]
fn the_kind_of_restart_and_the_exit_decide_whether_another_life_is_wanted() {
    let table = [
        (Restart::Permanent, [true, false, true, true, true]),
        (Restart::Transient, [false, false, true, true, true]),
        (Restart::Temporary, [false, false, false, false, false]),
    ];
    for (restart, wanted) in table {
        for (exit, wanted) in exits().iter().zip(wanted) {
            let mut history = History::starting(Duration::ZERO);
            let verdict = decide(&mut history, SECOND, exit, restart, &policy(), 0.0);
            let expected = if wanted { Verdict::Restart { after: SECOND } } else { Verdict::Finish };
            assert_eq!(verdict, expected, "{restart:?} after {exit:?}");
            assert_eq!(history.restarts_in_window(), usize::from(wanted));
        }
    }
}

/// When each failure happens, in seconds, and the wait that follows; `None` gives up.
type Failures = &'static [(u64, Option<u64>)];

#[test]
fn waits_double_up_to_the_cap_and_one_too_many_gives_up() {
    let table: [(&str, Failures); 5] = [
        ("three in a minute are allowed", &[(1, Some(1)), (5, Some(2)), (10, Some(4)), (20, None)]),
        ("the window slides", &[(1, Some(1)), (5, Some(2)), (10, Some(4)), (62, Some(8)), (63, None)]),
        ("the edge of the window is outside", &[(1, Some(1)), (2, Some(2)), (3, Some(4)), (61, Some(8))]),
        ("the wait is capped", &[(0, Some(1)), (60, Some(2)), (120, Some(4)), (180, Some(8)), (240, Some(8))]),
        ("health forgives", &[(1, Some(1)), (5, Some(2)), (10, Some(4)), (114, Some(1)), (116, Some(2))]),
    ];
    for (name, failures) in table {
        let mut history = History::starting(Duration::ZERO);
        for (at, wait) in failures {
            let verdict = decide(&mut history, SECOND * (*at as u32), &Exit::Stuck, Restart::Permanent, &policy(), 0.0);
            match wait {
                Some(wait) => {
                    assert_eq!(verdict, Verdict::Restart { after: SECOND * (*wait as u32) }, "{name}, at {at} s");
                }
                None => assert!(matches!(verdict, Verdict::GiveUp { .. }), "{name}, at {at} s: {verdict:?}"),
            }
        }
    }
}

#[test]
fn intensity_zero_gives_up_at_once_and_says_why() {
    let policy = Policy { intensity: 0, ..policy() };
    let boom = Exit::Panicked("boom".into());
    let verdict = decide(&mut History::default(), SECOND, &boom, Restart::Permanent, &policy, 0.0);
    assert_eq!(verdict, Verdict::GiveUp { reason: "panicked: boom (after 0 restarts within 60s)".into() });
}

#[test]
fn every_exit_survives_the_wire() {
    for exit in exits() {
        let json = serde_json::to_string(&exit).expect("an exit serialises");
        assert_eq!(serde_json::from_str::<Exit>(&json).expect("it parses back"), exit);
    }
    assert_eq!(
        serde_json::to_string(&Exit::Failed("x".into())).expect("serialises"),
        r#"{"kind":"failed","reason":"x"}"#
    );
}

proptest! {
    /// Whatever happens when: never more than `intensity` restarts inside any window, unless a healthy life lies between.
    #[test]
    fn no_window_ever_holds_more_restarts_than_allowed(
        gaps in prop::collection::vec(0_u64..40_000, 1..80),
        intensity in 0_u32..6,
        chance in 0.0_f64..=1.0,
    ) {
        let policy = Policy { intensity, healthy_after: Duration::from_secs(3_600), ..policy() };
        let mut history = History::starting(Duration::ZERO);
        let mut now = Duration::ZERO;
        let mut restarts: Vec<Duration> = Vec::new();
        for gap in gaps {
            now += Duration::from_millis(gap);
            match decide(&mut history, now, &Exit::Stuck, Restart::Permanent, &policy, chance) {
                Verdict::Restart { after } => {
                    prop_assert!(after <= policy.backoff.max);
                    restarts.push(now);
                    now += after;
                }
                Verdict::GiveUp { .. } => {
                    let inside = restarts.iter().filter(|at| now - **at < policy.period).count();
                    prop_assert_eq!(inside, intensity as usize, "gave up too early");
                    break;
                }
                Verdict::Finish => prop_assert!(false, "a permanent child is never finished by a failure"),
            }
            let inside = restarts.iter().filter(|at| now - **at < policy.period).count();
            prop_assert!(inside <= intensity as usize);
            prop_assert!(history.restarts_in_window() <= intensity as usize);
        }
    }

    /// Any backoff, even a senseless one, gives a wait between nothing and its cap, and never panics.
    #[test]
    fn a_wait_is_never_longer_than_the_cap(
        min in 0_u64..100_000, max in 0_u64..100_000, factor in prop::num::f64::ANY, jitter in prop::num::f64::ANY,
        failures in any::<u32>(), chance in 0.0_f64..=1.0,
    ) {
        let backoff = Backoff { min: Duration::from_millis(min), max: Duration::from_millis(max), factor, jitter };
        prop_assert!(backoff.delay(failures, chance) <= backoff.max);
    }

    /// Without jitter a wait is never shorter than the one before; with jitter it keeps at least its share.
    #[test]
    fn waits_grow_and_jitter_takes_only_its_share(failures in 0_u32..200, jitter in 0.0_f64..=1.0, chance in 0.0_f64..=1.0) {
        let plain = Backoff { jitter: 0.0, ..Backoff::default() };
        prop_assert!(plain.delay(failures, chance) <= plain.delay(failures + 1, chance));
        let shaken = Backoff { jitter, ..plain };
        let least = plain.delay(failures, 0.0).mul_f64(1.0 - jitter);
        prop_assert!(shaken.delay(failures, chance) + Duration::from_micros(1) >= least);
    }

    /// The failed child is always among the affected, and nobody outside of the tree is.
    #[test]
    fn a_strategy_affects_the_failed_child_and_stays_inside(count in 1_usize..20, pick in any::<prop::sample::Index>()) {
        let failed = pick.index(count);
        for strategy in [Strategy::OneForOne, Strategy::RestForOne, Strategy::OneForAll] {
            let affected = strategy.affected(failed, count);
            prop_assert!(affected.contains(&failed) && affected.end <= count);
        }
    }
}
