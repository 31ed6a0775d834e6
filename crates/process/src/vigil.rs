//! How long a worker trusts a guard, and how long it reads after the root's end: the decision, without any process.

use std::time::Duration;

use crate::shared::Wanted;

/// How long output is read after the child's own end when a descendant still holds it open.
const OUTPUT_AFTER_END: Duration = Duration::from_secs(2);

/// How late a guard may be with anything that it owes.
const LATE: Duration = Duration::from_secs(1);

/// How long a guard may take to kill a tree: it gives up by itself before that.
const KILLING: Duration = Duration::from_secs(7);

/// How long the launcher may take to end a guard and what it guarded.
const ENDING: Duration = Duration::from_secs(7);

/// How long a worker reads on after the root's end when a descendant holds the output open; `None`: to its end.
#[must_use]
pub fn reading_time() -> Option<Duration> {
    #[cfg(attune_mutants)]
    if crate::mutant::is("wait_for_eof") {
        return None;
    }
    Some(OUTPUT_AFTER_END)
}

/// What a worker is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Wait on.
    Wait,
    /// Tell the guard that enough was read.
    Finish,
    /// Have the guard killed: it does not answer.
    EndGuard,
    /// There is nobody who answers.
    GiveUp,
}

/// What a worker knows of a run that its guard watches. Times are readings of [`clock::boot`](crate::clock::boot).
#[derive(Debug)]
pub(crate) struct Vigil {
    grace: Duration,
    times_out_at: Option<Duration>,
    wanted: Wanted,
    /// When something must have been heard of the guard.
    trusted_until: Option<Duration>,
    is_guard_ended: bool,
    is_overdue: bool,
    /// When reading ends, once the root has ended and its output was not read to its end.
    reading_until: Option<Duration>,
    has_root_ended: bool,
    was_closed_early: bool,
}

impl Vigil {
    pub(crate) fn new(begun: Duration, timeout: Option<Duration>, grace: Duration) -> Self {
        let times_out_at = timeout.map(|timeout| begun.saturating_add(timeout));
        let trusted_until = times_out_at.map(|at| at.saturating_add(grace).saturating_add(LATE));
        Self {
            grace,
            times_out_at,
            wanted: Wanted::Nothing,
            trusted_until,
            is_guard_ended: false,
            is_overdue: false,
            reading_until: None,
            has_root_ended: false,
            was_closed_early: false,
        }
    }

    /// The most that was wanted so far.
    pub(crate) const fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// Whether a descendant held a stream open for longer than it was read.
    pub(crate) const fn was_closed_early(&self) -> bool {
        self.was_closed_early
    }

    /// Whether its guard had to be ended because it let the child run beyond its time.
    pub(crate) const fn is_overdue(&self) -> bool {
        self.is_overdue
    }

    /// When to come back with a tick.
    pub(crate) fn wake_at(&self) -> Option<Duration> {
        [self.trusted_until, self.reading_until].into_iter().flatten().min()
    }

    fn trust_for(&mut self, now: Duration, time: Duration) {
        let until = now.saturating_add(time);
        self.trusted_until = Some(self.trusted_until.map_or(until, |before| before.min(until)));
    }

    /// Somebody wants the child to stop; its guard was told.
    pub(crate) fn wants(&mut self, wanted: Wanted, now: Duration) -> Next {
        self.wanted = self.wanted.max(wanted);
        match wanted {
            Wanted::Nothing => {}
            Wanted::Stop => self.trust_for(now, self.grace.saturating_add(LATE)),
            Wanted::Kill => self.trust_for(now, LATE),
        }
        if self.has_root_ended && self.reading_until.take().is_some() {
            // What is left is being killed: the end will come without anything more to be read.
            self.was_closed_early = true;
        }
        Next::Wait
    }

    /// The guard is killing the tree.
    pub(crate) fn killing(&mut self, now: Duration) -> Next {
        self.trusted_until = Some(now + KILLING);
        Next::Wait
    }

    /// The root has ended and others have not.
    pub(crate) fn root_ended(&mut self, now: Duration, is_all_read: bool) -> Next {
        self.has_root_ended = true;
        if is_all_read {
            return self.finish(now);
        }
        self.reading_until = reading_time().map(|time| now + time);
        Next::Wait
    }

    /// Every stream was read to its end.
    pub(crate) fn all_read(&mut self, now: Duration) -> Next {
        if self.reading_until.take().is_some() { self.finish(now) } else { Next::Wait }
    }

    fn finish(&mut self, now: Duration) -> Next {
        self.trusted_until = Some(now + KILLING);
        Next::Finish
    }

    /// Time went by.
    pub(crate) fn tick(&mut self, now: Duration) -> Next {
        if self.reading_until.is_some_and(|until| until <= now) {
            self.reading_until = None;
            self.was_closed_early = true;
            return self.finish(now);
        }
        match self.trusted_until {
            Some(until) if until <= now && self.is_guard_ended => Next::GiveUp,
            Some(until) if until <= now => {
                self.is_guard_ended = true;
                self.is_overdue = self.times_out_at.is_some_and(|at| at <= now);
                self.trusted_until = Some(now + ENDING);
                Next::EndGuard
            }
            _ => Next::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(5);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_guard_that_says_nothing_after_the_deadline_is_ended_and_then_given_up() {
        let mut vigil = Vigil::new(at(0), Some(at(10)), GRACE);
        assert_eq!(vigil.wake_at(), Some(at(16)));
        assert_eq!(vigil.tick(at(15)), Next::Wait);
        assert_eq!(vigil.tick(at(16)), Next::EndGuard);
        assert_eq!(vigil.tick(at(22)), Next::Wait);
        assert_eq!(vigil.tick(at(23)), Next::GiveUp);
    }

    #[test]
    fn a_guard_that_kills_is_given_the_time_for_it() {
        let mut vigil = Vigil::new(at(0), None, GRACE);
        assert_eq!(vigil.wake_at(), None);
        assert_eq!(vigil.wants(Wanted::Stop, at(1)), Next::Wait);
        assert_eq!(vigil.wake_at(), Some(at(7)));
        assert_eq!(vigil.wants(Wanted::Kill, at(2)), Next::Wait);
        assert_eq!(vigil.wake_at(), Some(at(3)));
        assert_eq!(vigil.killing(at(2)), Next::Wait);
        assert_eq!(vigil.tick(at(8)), Next::Wait);
        assert_eq!(vigil.tick(at(9)), Next::EndGuard);
    }

    #[test]
    fn output_is_read_for_two_seconds_after_the_end_and_no_longer() {
        let mut vigil = Vigil::new(at(0), None, GRACE);
        assert_eq!(vigil.root_ended(at(1), false), Next::Wait);
        assert_eq!(vigil.tick(at(2)), Next::Wait);
        assert_eq!(vigil.tick(at(3)), Next::Finish);
        assert!(vigil.was_closed_early());
        assert_eq!(vigil.all_read(at(3)), Next::Wait);
    }

    #[test]
    fn what_was_read_to_its_end_was_not_closed_early() {
        let mut before = Vigil::new(at(0), None, GRACE);
        assert_eq!(before.all_read(at(1)), Next::Wait);
        assert_eq!(before.root_ended(at(2), true), Next::Finish);
        let mut after = Vigil::new(at(0), None, GRACE);
        assert_eq!(after.root_ended(at(1), false), Next::Wait);
        assert_eq!(after.all_read(at(2)), Next::Finish);
        assert!(!before.was_closed_early() && !after.was_closed_early());
    }
}
