//! The decision about an ended child, as a pure function.

use std::time::Duration;

use crate::{Exit, History, Policy, Restart, Verdict};

/// Decides what happens to a child that ended with `exit` at `now`, and remembers it in `history`.
///
/// No clock, no randomness, no actor: `now` is measured from the same moment as the times in `history`, and `chance` is a random number from
/// 0 to 1 that the caller draws for the jitter.
///
/// 1. The restart kind decides whether another life is wanted at all.
/// 2. A life of at least `policy.healthy_after` clears the history.
/// 3. With `policy.intensity` restarts already inside the last `policy.period`, one more gives up.
/// 4. Otherwise the child restarts after a backoff that grows with every failure in a row.
///
/// ```
/// use std::time::Duration;
/// use attune_supervise::{Exit, History, Policy, Restart, Verdict, decide};
///
/// let policy = Policy { intensity: 1, ..Policy::default() };
/// let mut history = History::starting(Duration::ZERO);
/// let boom = Exit::Panicked("boom".to_owned());
/// let first = decide(&mut history, Duration::from_secs(1), &boom, Restart::Permanent, &policy, 0.0);
/// assert_eq!(first, Verdict::Restart { after: Duration::from_millis(250) });
/// let second = decide(&mut history, Duration::from_secs(2), &boom, Restart::Permanent, &policy, 0.0);
/// assert!(matches!(second, Verdict::GiveUp { .. }));
/// ```
pub fn decide(
    history: &mut History,
    now: Duration,
    exit: &Exit,
    restart: Restart,
    policy: &Policy,
    chance: f64,
) -> Verdict {
    if !restart.wanted_after(exit) {
        return Verdict::Finish;
    }
    if now.saturating_sub(history.alive_since) >= policy.healthy_after {
        history.restarts.clear();
        history.failures_in_a_row = 0;
    }
    while history.restarts.front().is_some_and(|at| now.saturating_sub(*at) >= policy.period) {
        history.restarts.pop_front();
    }
    if history.restarts.len() >= usize::try_from(policy.intensity).unwrap_or(usize::MAX) {
        let count = history.restarts.len();
        let period = policy.period;
        return Verdict::GiveUp { reason: format!("{exit} (after {count} restarts within {period:?})") };
    }
    let after = policy.backoff.delay(history.failures_in_a_row, chance);
    history.restarts.push_back(now);
    history.failures_in_a_row = history.failures_in_a_row.saturating_add(1);
    history.alive_since = now.saturating_add(after);
    Verdict::Restart { after }
}
