//! When leases end.

use attune_types::AttemptState;

use crate::model::ReaperPolicy;

/// How far the database's clock may go back unnoticed, in microseconds. Less than anything here is measured in.
const UNNOTICED: i64 = 1_000_000;

/// Whether leases are spared at this tick, and until when they will be. All moments in microseconds, by the database's
/// clock; `last_tick` and `spare_until` are what the tick before left.
///
/// A gap in the ticks means that the database, the host or every reaper was away, or that the clock was set: workers
/// could not renew, so their leases say nothing. A clock that was set back only makes leases longer.
#[must_use]
pub fn spare(now: i64, last_tick: Option<i64>, spare_until: Option<i64>, policy: &ReaperPolicy) -> (bool, Option<i64>) {
    #[cfg(attune_mutants)]
    if attune_types::mutant::is("reap_without_gap_rule") {
        return (false, None);
    }
    let gap = last_tick.is_some_and(|last| now.saturating_sub(last) > policy.gap_ms.saturating_mul(1000));
    if gap {
        return (true, Some(now.saturating_add(policy.lease_ms.saturating_mul(1000))));
    }
    // A period of grace that lies further ahead than it can last was made by a clock that has been set back since.
    let longest = now.saturating_add(policy.lease_ms.saturating_mul(1000));
    let until = spare_until.filter(|until| *until > now).map(|until| until.min(longest));
    (until.is_some(), until)
}

/// By how much the clock was set back since the tick before, in microseconds; `None` when it was not.
///
/// Moments that were written before then lie in the future, by as much as an hour: what waits would wait that long, and
/// who is dead would look alive that long. The reaper pulls them back.
#[must_use]
pub fn set_back(now: i64, last_tick: Option<i64>) -> Option<i64> {
    last_tick.map(|last| last.saturating_sub(now)).filter(|by| *by > UNNOTICED)
}

/// What the reaper does to a live attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overdue {
    /// Nothing: its time is not up.
    No,
    /// Nobody claimed it in time: its execution waits again.
    Unclaimed,
    /// Its lease ran out: its worker is gone.
    Lost,
}

/// Whether the time of an attempt is up. All moments in microseconds.
#[must_use]
pub fn overdue(
    state: AttemptState,
    dispatch_deadline: i64,
    lease_ends_at: Option<i64>,
    now: i64,
    policy: &ReaperPolicy,
) -> Overdue {
    let bound = now.saturating_sub(policy.lease_slack_ms.saturating_mul(1000));
    match state {
        AttemptState::Assigned if dispatch_deadline < now => Overdue::Unclaimed,
        AttemptState::Claimed | AttemptState::Running if lease_ends_at.is_some_and(|end| end < bound) => Overdue::Lost,
        _ => Overdue::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_gap_spares_every_lease_for_one_lease_time() {
        let policy = ReaperPolicy::default();
        let now = 1_000 * SECOND;
        for (case, last_tick, spare_until, expected) in [
            ("the first tick of all", None, None, (false, None)),
            ("regular ticks", Some(now - 2 * SECOND), None, (false, None)),
            ("exactly the gap", Some(now - 10 * SECOND), None, (false, None)),
            ("just over the gap", Some(now - 10 * SECOND - 1), None, (true, Some(now + 45 * SECOND))),
            ("within the grace", Some(now - 2 * SECOND), Some(now + SECOND), (true, Some(now + SECOND))),
            ("after the grace", Some(now - 2 * SECOND), Some(now), (false, None)),
            ("a second gap", Some(now - 60 * SECOND), Some(now - SECOND), (true, Some(now + 45 * SECOND))),
            ("clock set back", Some(now + 3600 * SECOND), None, (false, None)),
            (
                "clock set back in the grace",
                Some(now + 3600 * SECOND),
                Some(now + 3640 * SECOND),
                (true, Some(now + 45 * SECOND)),
            ),
        ] {
            assert_eq!(spare(now, last_tick, spare_until, &policy), expected, "{case}");
        }
    }
}
