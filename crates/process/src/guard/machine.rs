//! What a guard does when: the decision, without any process.

use std::time::Duration;

use crate::how::How;
use crate::wire::StoppedBy;

/// How long output is read after the root's own end when a descendant still holds it open. The worker reads, and says
/// when it is done; a worker that is stopped itself says nothing, so the guard allows it no more than this.
pub(crate) const LONGEST_READING: Duration = Duration::from_secs(3);

/// How long a guard tries to empty a tree before it leaves what is left to the launcher.
pub(crate) const GIVE_UP_AFTER: Duration = Duration::from_secs(5);

/// The pause between two rounds of killing. What dies in between makes the guard look at once; this is for what was
/// born while the last round went on.
pub(crate) const BETWEEN_ROUNDS: Duration = Duration::from_millis(5);

/// How often the fence is looked at as long as there is none.
pub(crate) const LOOK_AT_FENCE_EVERY: Duration = Duration::from_secs(5);

/// When everything has to stop and to be dead; `None`: never. Readings of [`clock::boot`](crate::clock::boot).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FenceTimes {
    /// When everything is asked to stop.
    pub terminate_at: Option<Duration>,
    /// When everything is killed.
    pub kill_at: Option<Duration>,
}

/// How far the stopping of a tree has gone while its root lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopping {
    /// Nobody wants it to stop; at `deadline` it is out of time.
    Not {
        /// When its time is over.
        deadline: Option<Duration>,
    },
    /// It was asked to stop and is killed at `kill_at`.
    Asked {
        /// Who asked first.
        by: StoppedBy,
        /// When it is killed.
        kill_at: Duration,
    },
}

/// What a guard is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There is nothing to guard.
    Idle,
    /// The root runs.
    Running {
        /// Which run.
        run: u64,
        /// How long it has between being asked and being killed.
        grace: Duration,
        /// How far its stopping has gone.
        stopping: Stopping,
    },
    /// The root has ended and others have not; the worker reads what they write, until `until` at the latest.
    Lingering {
        /// Which run.
        run: u64,
        /// Who stopped it.
        stopped: Option<StoppedBy>,
        /// When what is left is killed.
        until: Duration,
    },
    /// Everything was killed, and again at `next`, until nothing is left or `give_up_at` has come.
    Killing {
        /// Which run.
        run: u64,
        /// Who stopped it.
        stopped: Option<StoppedBy>,
        /// Whether it may have ended by itself before.
        is_unseen: bool,
        /// When it is killed again.
        next: Duration,
        /// When what is left is left to the launcher.
        give_up_at: Duration,
        /// What follows.
        then: Then,
    },
    /// It ends.
    Over,
}

/// What a guard does when a tree that it kills is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It tells, and waits for the next.
    Tell,
    /// There is nobody left to guard for.
    Leave,
}

/// What happens to a guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The root was started.
    Started {
        /// Which run.
        run: u64,
        /// How long it may run.
        timeout: Option<Duration>,
        /// How long it has between being asked and being killed.
        grace: Duration,
    },
    /// The worker wants the tree to stop.
    Stop {
        /// Which run.
        run: u64,
    },
    /// The worker wants the tree dead.
    Kill {
        /// Which run.
        run: u64,
    },
    /// The worker has read enough.
    Finish {
        /// Which run.
        run: u64,
    },
    /// Worker or launcher are gone.
    Abandoned,
    /// The root has ended.
    RootEnded {
        /// How.
        how: How,
        /// Whether nothing else of the tree is left.
        is_empty: bool,
    },
    /// Nothing of the tree is left.
    Empty,
    /// Time went by.
    Tick {
        /// The fence as it stands.
        fence: FenceTimes,
    },
}

/// What is to be done, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Ask the tree to stop.
    Terminate,
    /// Note the names of those that are left.
    NameSurvivors,
    /// Kill the tree.
    Kill,
    /// Tell that the root has ended.
    TellRootEnded {
        /// Which run.
        run: u64,
    },
    /// Tell that the tree is being killed.
    TellKilling {
        /// Which run.
        run: u64,
    },
    /// Tell the end.
    TellEnded {
        /// Which run.
        run: u64,
        /// Who stopped it.
        stopped: Option<StoppedBy>,
        /// Whether something of it could not be killed.
        is_incomplete: bool,
    },
    /// End.
    Leave,
}

impl State {
    /// What follows from `event` at `now`.
    #[must_use]
    pub fn decide(self, event: Event, now: Duration) -> (Self, Vec<Effect>) {
        match self {
            Self::Idle => Self::decide_idle(event, now),
            Self::Running { run, grace, stopping } => Self::decide_running(run, grace, stopping, event, now),
            Self::Lingering { run, stopped, until } => Self::decide_lingering(run, stopped, until, event, now),
            Self::Killing { .. } => self.decide_killing(event, now),
            Self::Over => (Self::Over, Vec::new()),
        }
    }

    fn decide_idle(event: Event, now: Duration) -> (Self, Vec<Effect>) {
        match event {
            Event::Started { run, timeout, grace } => {
                let stopping = Stopping::Not { deadline: timeout.map(|timeout| now.saturating_add(timeout)) };
                (Self::Running { run, grace, stopping }, Vec::new())
            }
            Event::Abandoned => (Self::Over, vec![Effect::Leave]),
            _ => (Self::Idle, Vec::new()),
        }
    }

    /// Begins to kill. `is_unseen`: the root was alive and nothing had been asked of it before, so if it turns out to
    /// have ended by itself it was not stopped.
    fn kill(run: u64, stopped: Option<StoppedBy>, is_unseen: bool, then: Then, now: Duration) -> Self {
        Self::Killing { run, stopped, is_unseen, next: now + BETWEEN_ROUNDS, give_up_at: now + GIVE_UP_AFTER, then }
    }

    fn decide_running(
        run: u64,
        grace: Duration,
        stopping: Stopping,
        event: Event,
        now: Duration,
    ) -> (Self, Vec<Effect>) {
        let asked = |by| {
            let stopping = Stopping::Asked { by, kill_at: now.saturating_add(grace) };
            (Self::Running { run, grace, stopping }, vec![Effect::Terminate])
        };
        let killed = |by, is_unseen| {
            (Self::kill(run, Some(by), is_unseen, Then::Tell, now), vec![Effect::Kill, Effect::TellKilling { run }])
        };
        let by_so_far = match stopping {
            Stopping::Not { .. } => None,
            Stopping::Asked { by, .. } => Some(by),
        };
        match (event, stopping) {
            (Event::Stop { run: named }, Stopping::Not { .. }) if named == run => asked(StoppedBy::Worker),
            (Event::Kill { run: named }, _) if named == run => {
                killed(by_so_far.unwrap_or(StoppedBy::Worker), by_so_far.is_none())
            }
            (Event::Abandoned, _) => (Self::kill(run, by_so_far, false, Then::Leave, now), vec![Effect::Kill]),
            (Event::RootEnded { is_empty: true, .. }, _) => {
                (Self::Idle, vec![Effect::TellEnded { run, stopped: by_so_far, is_incomplete: false }])
            }
            (Event::RootEnded { is_empty: false, .. }, _) => {
                let until = match stopping {
                    #[cfg(attune_mutants)]
                    Stopping::Not { .. } if crate::mutant::is("wait_for_eof") => now + 1000 * LONGEST_READING,
                    Stopping::Not { .. } => now + LONGEST_READING,
                    Stopping::Asked { kill_at, .. } => kill_at.min(now + LONGEST_READING),
                };
                (Self::Lingering { run, stopped: by_so_far, until }, vec![Effect::TellRootEnded { run }])
            }
            (Event::Tick { fence }, _) if is_past(fence.kill_at, now) => {
                killed(by_so_far.unwrap_or(StoppedBy::Fence), by_so_far.is_none())
            }
            (Event::Tick { .. }, Stopping::Asked { by, kill_at }) if kill_at <= now => killed(by, false),
            (Event::Tick { .. }, Stopping::Not { deadline }) if is_past(deadline, now) => asked(StoppedBy::Timeout),
            (Event::Tick { fence }, Stopping::Not { .. }) if is_past(fence.terminate_at, now) => {
                asked(StoppedBy::Fence)
            }
            _ => (Self::Running { run, grace, stopping }, Vec::new()),
        }
    }

    fn decide_lingering(
        run: u64,
        stopped: Option<StoppedBy>,
        until: Duration,
        event: Event,
        now: Duration,
    ) -> (Self, Vec<Effect>) {
        let killed = |then| Self::kill(run, stopped, false, then, now);
        let quietly = vec![Effect::NameSurvivors, Effect::Kill];
        match event {
            Event::Empty => (Self::Idle, vec![Effect::TellEnded { run, stopped, is_incomplete: false }]),
            Event::Finish { run: named } if named == run => (killed(Then::Tell), quietly),
            // The root had ended by itself before this: it was not stopped, but what is left of its tree is.
            Event::Kill { run: named } | Event::Stop { run: named } if named == run => {
                (killed(Then::Tell), vec![Effect::NameSurvivors, Effect::Kill, Effect::TellKilling { run }])
            }
            Event::Abandoned => (killed(Then::Leave), vec![Effect::Kill]),
            Event::Tick { fence } if until <= now || is_past(fence.kill_at, now) => (killed(Then::Tell), quietly),
            _ => (Self::Lingering { run, stopped, until }, Vec::new()),
        }
    }

    fn decide_killing(self, event: Event, now: Duration) -> (Self, Vec<Effect>) {
        let Self::Killing { run, stopped, is_unseen, next, give_up_at, then } = self else {
            return (self, Vec::new());
        };
        let gone = |stopped: Option<StoppedBy>| match then {
            Then::Tell => (Self::Idle, vec![Effect::TellEnded { run, stopped, is_incomplete: false }]),
            Then::Leave => (Self::Over, vec![Effect::Leave]),
        };
        match event {
            Event::RootEnded { how, is_empty } => {
                // Whoever ended by itself just before the kill reached it was not stopped by it.
                let stopped = stopped.filter(|_| !is_unseen || how == How::Signaled(libc::SIGKILL));
                if is_empty {
                    return gone(stopped);
                }
                (Self::Killing { run, stopped, is_unseen: false, next, give_up_at, then }, Vec::new())
            }
            Event::Empty => gone(stopped),
            Event::Abandoned => {
                (Self::Killing { run, stopped, is_unseen, next, give_up_at, then: Then::Leave }, Vec::new())
            }
            Event::Tick { .. } if give_up_at <= now => match then {
                Then::Tell => {
                    (Self::Over, vec![Effect::TellEnded { run, stopped, is_incomplete: true }, Effect::Leave])
                }
                Then::Leave => (Self::Over, vec![Effect::Leave]),
            },
            Event::Tick { .. } if next <= now => {
                let again = Self::Killing { run, stopped, is_unseen, next: now + BETWEEN_ROUNDS, give_up_at, then };
                (again, vec![Effect::Kill])
            }
            _ => (self, Vec::new()),
        }
    }

    /// When to come back with a tick, given the fence as it stands at `now`.
    #[must_use]
    pub fn wake_at(&self, fence: FenceTimes, now: Duration) -> Option<Duration> {
        let fenced = |own: Option<Duration>, terminates: bool| {
            let terminate_at = fence.terminate_at.filter(|_| terminates);
            let first = [own, terminate_at, fence.kill_at].into_iter().flatten().min();
            // As long as there is no fence, one may be put up at any time without anybody telling.
            let look_at = (fence.kill_at.is_none()).then(|| now + LOOK_AT_FENCE_EVERY);
            [first, look_at].into_iter().flatten().min()
        };
        match self {
            Self::Idle | Self::Over => None,
            Self::Running { stopping: Stopping::Not { deadline }, .. } => fenced(*deadline, true),
            Self::Running { stopping: Stopping::Asked { kill_at, .. }, .. } => fenced(Some(*kill_at), false),
            Self::Lingering { until, .. } => fenced(Some(*until), false),
            Self::Killing { next, .. } => Some(*next),
        }
    }
}

fn is_past(moment: Option<Duration>, now: Duration) -> bool {
    moment.is_some_and(|moment| moment <= now)
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
