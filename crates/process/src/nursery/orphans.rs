//! What lost guards leave: killed by the launcher, their next ancestor.

use std::collections::HashSet;
use std::time::Duration;

use crate::guard::tree;

/// How long news of a lost guard is held back while something that it may have guarded is alive.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);

/// The pause between two rounds of killing.
const BETWEEN_ROUNDS: Duration = Duration::from_millis(5);

/// The same when killing has been in vain for so long that only the machine can end what is left.
const BETWEEN_LATE_ROUNDS: Duration = Duration::from_millis(500);

/// A guard that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) guard: u64,
    /// The signal that ended it, or 0.
    pub(super) signal: i32,
    /// The code that it exited with, if it did.
    pub(super) code: i32,
}

/// The guards that were lost and are not mourned yet, because orphans may be left of theirs.
///
/// Orphans of several guards cannot be told apart, nor need they be: all are killed.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    lost: Vec<Lost>,
    since: Option<Duration>,
}

/// What a round came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Round {
    /// Guards whose loss may be told now.
    pub(super) mourned: Vec<Lost>,
    /// How many processes could not be killed.
    pub(super) left: u32,
    /// When to come back.
    pub(super) again_in: Option<Duration>,
}

impl Orphans {
    pub(super) fn lose(&mut self, lost: Lost) {
        self.lost.push(lost);
    }

    /// Kills every child that is not a guard.
    pub(super) fn bury(&mut self, guards: &HashSet<i32>, now: Duration) -> Round {
        let left = tree::kill(guards);
        self.judge(left, now)
    }

    /// Decides what follows from so many being left at `now`.
    fn judge(&mut self, left: usize, now: Duration) -> Round {
        if left == 0 {
            self.since = None;
            return Round { mourned: std::mem::take(&mut self.lost), left: 0, again_in: None };
        }
        let since = *self.since.get_or_insert(now);
        if now.saturating_sub(since) < GIVE_UP_AFTER {
            return Round { mourned: Vec::new(), left: 0, again_in: Some(BETWEEN_ROUNDS) };
        }
        Round {
            mourned: std::mem::take(&mut self.lost),
            left: u32::try_from(left).unwrap_or(u32::MAX),
            again_in: Some(BETWEEN_LATE_ROUNDS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOST: Lost = Lost { guard: 7, signal: 9, code: 0 };

    #[test]
    fn a_loss_is_told_when_nothing_is_left_or_after_five_seconds() {
        let at = Duration::from_millis;
        let mut orphans = Orphans::default();
        orphans.lose(LOST);
        let waiting = Round { mourned: vec![], left: 0, again_in: Some(BETWEEN_ROUNDS) };
        assert_eq!(orphans.judge(3, at(100)), waiting);
        assert_eq!(orphans.judge(2, at(5_099)), waiting);
        let told = Round { mourned: vec![LOST], left: 2, again_in: Some(BETWEEN_LATE_ROUNDS) };
        assert_eq!(orphans.judge(2, at(5_100)), told);
        orphans.lose(LOST);
        assert_eq!(orphans.judge(0, at(5_200)), Round { mourned: vec![LOST], left: 0, again_in: None });
        // The clock begins anew.
        orphans.lose(LOST);
        assert_eq!(orphans.judge(1, at(9_000)), waiting);
    }
}
