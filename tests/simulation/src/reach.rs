//! Rare paths that a run must have taken, or it proves nothing.

macro_rules! points {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// A rare path.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Point {
            $($(#[$doc])* $name),+
        }

        impl Point {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }
        }
    };
}

points! {
    /// A claim was refused.
    ClaimRefused,
    /// A claim was granted, the answer was lost, and it was asked for again.
    ClaimAskedAgain,
    /// A grant was too old to be made use of.
    GrantTooOld,
    /// A worker had claimed more than it had slots for.
    ClaimedAhead,
    /// A slot took too long to become free, and what was claimed for it was given back.
    AheadGivenBack,
    /// A worker did not start what a cancel had overtaken.
    StartRefused,
    /// An end was committed and its answer lost.
    EndAnswerLost,
    /// An end came too late.
    LateEnd,
    /// An end was written to disk because the store was away.
    EndSpooled,
    /// It could not be, because the disk was full.
    SpoolFailed,
    /// An end of an earlier life was offered by the next one.
    SpoolOffered,
    /// A restarted worker's evidence settled what its earlier life held.
    SettledByEvidence,
    /// A restarted worker had no evidence.
    NoEvidence,
    /// A lease ran out.
    LeaseReaped,
    /// A gap spared every lease.
    GapSpared,
    /// Nobody claimed an assignment in time.
    Unclaimed,
    /// Assignments were taken back from a busy worker.
    TakenBack,
    /// An assignment lost a race.
    AssignRaced,
    /// A guard stopped its tree because the fence was not put off.
    GuardFenced,
    /// A worker stopped its trees because it could not beat.
    WorkerFenced,
    /// A worker lost its name to another.
    Replaced,
    /// A worker drained and left.
    Drained,
    /// Work was given back by a worker that drains.
    HandedBack,
    /// A running execution was interrupted by a drain.
    DrainInterrupted,
    /// A claim was held until its environment was there.
    Held,
    /// An environment could not be made.
    EnvironmentFailed,
    /// What waited was cancelled.
    CancelledWaiting,
    /// What ran was cancelled.
    CancelledRunning,
    /// A cancel came too late for a success.
    CancelLost,
    /// A failure was retried.
    FailureRetried,
    /// What was lost was retried.
    LossRetried,
    /// An execution was abandoned.
    Abandoned,
    /// An execution ran out of time.
    TimedOut,
    /// Nobody knew what became of a message.
    PublishUnknown,
    /// A message came back.
    PublishReturned,
    /// A connection to the broker was made anew.
    LinkRebuilt,
    /// A message was delivered twice.
    DeliveredTwice,
    /// A message that was forged, or an end with a forged token, was refused.
    ForgeryRefused,
    /// A worker was stopped for longer than a lease and went on.
    PausedBeyondLease,
    /// A whole worker was killed while something ran on it.
    KilledRunning,
    /// An executor crashed.
    ExecutorCrashed,
    /// A process that outlived its root was killed.
    DescendantKilled,
    /// A child that ignores being asked to stop was killed.
    StubbornKilled,
    /// The clock of the database went ahead.
    ClockAhead,
    /// It went back.
    ClockBack,
}

/// How often each was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    counts: Vec<u64>,
}

impl Default for Reached {
    fn default() -> Self {
        Self { counts: vec![0; Point::ALL.len()] }
    }
}

impl Reached {
    /// One was taken.
    pub fn reach(&mut self, point: Point) {
        self.counts[point as usize] += 1;
    }

    /// How often one was taken.
    #[must_use]
    pub fn count(&self, point: Point) -> u64 {
        self.counts[point as usize]
    }

    /// Those that were never taken.
    #[must_use]
    pub fn missed(&self) -> Vec<&'static str> {
        Point::ALL.iter().filter(|point| self.count(**point) == 0).map(|point| point.name()).collect()
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }
}
