//! When to terminate and when to kill: the decision, without any process.

use std::time::Duration;

use crate::stop_reason::StopReason;

/// How far the stopping of a child has gone. Times are readings of [`clock::boot`](crate::clock::boot).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stopping {
    /// Nobody wants it to stop; at `deadline` it is out of time.
    Not { deadline: Option<Duration> },
    /// It was asked to stop and is killed at `kill_at`.
    Asked { reason: StopReason, kill_at: Duration },
    /// It was killed and is bound to end.
    Killed { reason: StopReason },
}

/// What happens to the stopping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// Time went by.
    Tick,
    /// Somebody wants it to stop.
    Stop(StopReason),
    /// Somebody wants it dead.
    Kill(StopReason),
}

/// What is to be done to the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Ask it to stop.
    Terminate,
    /// Kill it.
    Kill,
}

impl Stopping {
    /// What follows from `event` at `now`.
    pub(crate) fn decide(self, event: Event, now: Duration, grace: Duration) -> (Self, Option<Effect>) {
        let ask = |reason| (Self::Asked { reason, kill_at: now + grace }, Some(Effect::Terminate));
        match (self, event) {
            (Self::Not { deadline: Some(deadline) }, Event::Tick) if deadline <= now => ask(StopReason::TimedOut),
            (Self::Not { .. }, Event::Stop(reason)) => ask(reason),
            (Self::Not { .. }, Event::Kill(reason)) => (Self::Killed { reason }, Some(Effect::Kill)),
            (Self::Asked { reason, kill_at }, Event::Tick) if kill_at <= now => {
                (Self::Killed { reason }, Some(Effect::Kill))
            }
            (Self::Asked { reason, .. }, Event::Kill(_)) => (Self::Killed { reason }, Some(Effect::Kill)),
            (unchanged, _) => (unchanged, None),
        }
    }

    /// When to come back with a tick.
    pub(crate) const fn wake_at(&self) -> Option<Duration> {
        match self {
            Self::Not { deadline } => *deadline,
            Self::Asked { kill_at, .. } => Some(*kill_at),
            Self::Killed { .. } => None,
        }
    }

    /// Why it was stopped, if it was.
    pub(crate) fn reason(self) -> Option<StopReason> {
        match self {
            Self::Not { .. } => None,
            Self::Asked { reason, .. } | Self::Killed { reason } => Some(reason),
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

    fn asked(reason: StopReason, kill_at: u64) -> Stopping {
        Stopping::Asked { reason, kill_at: at(kill_at) }
    }

    #[test]
    fn every_step_follows_the_table() {
        use StopReason::TimedOut;
        let running = Stopping::Not { deadline: Some(at(10)) };
        let endless = Stopping::Not { deadline: None };
        let user = || StopReason::Requested("user".into());
        let other = || StopReason::Requested("other".into());
        for (before, event, now, after, effect) in [
            (running.clone(), Event::Tick, 9, running.clone(), None),
            (running.clone(), Event::Tick, 10, asked(TimedOut, 15), Some(Effect::Terminate)),
            (endless.clone(), Event::Tick, 1_000, endless.clone(), None),
            (running.clone(), Event::Stop(user()), 3, asked(user(), 8), Some(Effect::Terminate)),
            (endless, Event::Kill(user()), 3, Stopping::Killed { reason: user() }, Some(Effect::Kill)),
            (asked(user(), 8), Event::Stop(other()), 4, asked(user(), 8), None),
            (asked(user(), 8), Event::Tick, 7, asked(user(), 8), None),
            (asked(user(), 8), Event::Tick, 8, Stopping::Killed { reason: user() }, Some(Effect::Kill)),
            (asked(TimedOut, 8), Event::Kill(user()), 4, Stopping::Killed { reason: TimedOut }, Some(Effect::Kill)),
            (Stopping::Killed { reason: user() }, Event::Tick, 99, Stopping::Killed { reason: user() }, None),
            (Stopping::Killed { reason: user() }, Event::Kill(other()), 9, Stopping::Killed { reason: user() }, None),
        ] {
            let described = format!("{before:?} {event:?} at {now}");
            assert_eq!(before.decide(event, at(now), GRACE), (after, effect), "{described}");
        }
    }
}
