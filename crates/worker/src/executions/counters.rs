//! How often something happened.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often something happened since the worker started.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    granted: AtomicU64,
    refused: AtomicU64,
    completed: AtomicU64,
    late: AtomicU64,
    handed_back: AtomicU64,
    faults: AtomicU64,
    links_lost: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Claims that were granted.
    pub granted: u64,
    /// Claims that were refused: stale or repeated messages.
    pub refused: u64,
    /// Ends that the store took.
    pub completed: u64,
    /// Ends that the store refused because the attempt was no longer this worker's.
    pub late: u64,
    /// Attempts that were given back before they started.
    pub handed_back: u64,
    /// Executors that crashed.
    pub faults: u64,
    /// How often the connection to the broker was lost.
    pub links_lost: u64,
}

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Count {
    Granted,
    Refused,
    Completed,
    Late,
    HandedBack,
    Fault,
    LinkLost,
}

impl Counters {
    pub(crate) fn add(&self, count: Count) {
        let counter = match count {
            Count::Granted => &self.granted,
            Count::Refused => &self.refused,
            Count::Completed => &self.completed,
            Count::Late => &self.late,
            Count::HandedBack => &self.handed_back,
            Count::Fault => &self.faults,
            Count::LinkLost => &self.links_lost,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Counts {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            granted: value(&self.granted),
            refused: value(&self.refused),
            completed: value(&self.completed),
            late: value(&self.late),
            handed_back: value(&self.handed_back),
            faults: value(&self.faults),
            links_lost: value(&self.links_lost),
        }
    }
}
