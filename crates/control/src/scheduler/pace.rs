//! How fast each worker works, as far as a scheduler can see it, and what it may therefore be given in advance.

use std::collections::BTreeMap;
use std::time::Duration;

use attune_store::{Assigned, Placeable, PlacementView};
use attune_types::WorkerId;

use super::policy::PlacementPolicy;
use super::solve::Advances;

/// What is remembered about one worker.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pace {
    /// How many it can run at once.
    slots: u32,
    /// How many live attempts it held at the last look, with what was assigned since.
    live: u32,
    /// When that was.
    looked_at: Duration,
    /// About how many attempts it ended in the last second; decays.
    ended: f64,
    /// When it was last seen to end one.
    ended_at: Duration,
    /// Since when it holds more than its slots, without a pause.
    excess_since: Option<Duration>,
}

/// The paces of all workers.
///
/// A worker is given in advance at most what it ended in the last second. So ten slots of work that takes a millisecond
/// have a full local queue, and ten slots of work that takes an hour have none: an execution that waits in the store can
/// go to whoever is free first, one that waits in a worker cannot. A fixed number for both was rejected for that.
///
/// Assignments of other schedulers are not seen, so with several of them each believes a worker to be slower than it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PaceBook {
    workers: BTreeMap<WorkerId, Pace>,
}

/// An order to take executions back from a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakeBack {
    /// From whom.
    pub worker: WorkerId,
    /// How many at most.
    pub at_most: u32,
}

fn excess_of(worker: &Placeable) -> u32 {
    worker.live.saturating_sub(worker.capabilities.max_concurrent_executions).min(worker.unclaimed)
}

impl PaceBook {
    /// Takes note of a look at `now` (any clock that never goes back).
    pub fn look(&mut self, view: &PlacementView, now: Duration) {
        self.workers.retain(|id, _| view.workers.iter().any(|worker| worker.worker == *id));
        for worker in &view.workers {
            let pace = self.workers.entry(worker.worker).or_insert(Pace {
                slots: 0,
                live: worker.live,
                looked_at: now,
                ended: 0.0,
                ended_at: now,
                excess_since: None,
            });
            pace.slots = worker.capabilities.max_concurrent_executions;
            let ended = pace.live.saturating_sub(worker.live);
            let passed = now.saturating_sub(pace.looked_at).as_secs_f64();
            pace.ended = pace.ended * (-passed).exp() + f64::from(ended);
            if ended > 0 {
                pace.ended_at = now;
            }
            pace.live = worker.live;
            pace.looked_at = now;
            pace.excess_since = if excess_of(worker) == 0 { None } else { pace.excess_since.or(Some(now)) };
        }
    }

    /// How many executions the workers of the last look can run at once; 0 before the first.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.workers.values().map(|pace| pace.slots).sum()
    }

    /// Takes note of assignments that were made since the last look.
    pub fn assigned(&mut self, assigned: &[Assigned]) {
        for assigned in assigned {
            if let Some(pace) = self.workers.get_mut(&assigned.worker) {
                pace.live += 1;
            }
        }
    }

    /// How much each worker may be given beyond its slots.
    #[must_use]
    pub fn advances(&self, view: &PlacementView, policy: &PlacementPolicy) -> Advances {
        let earned = |worker: &Placeable| {
            // Saturating: a float beyond the range becomes the largest number.
            self.workers.get(&worker.worker).map_or(0, |pace| pace.ended.floor() as u32)
        };
        view.workers.iter().map(|worker| (worker.worker, earned(worker).min(policy.prefetch_of(worker)))).collect()
    }

    /// What should be taken back now, given that the scheduler could place nothing more.
    ///
    /// Two reasons: somebody has a free slot that nothing which waits could use, while a worker has sat on more than it
    /// can run for `patience`; or a worker has sat on more than it can run for `most_patience` and ended nothing in that time.
    #[must_use]
    pub fn take_backs(&self, view: &PlacementView, policy: &PlacementPolicy, now: Duration) -> Vec<TakeBack> {
        let mut idle = free_slots(view);
        let mut orders = Vec::new();
        for worker in &view.workers {
            let excess = excess_of(worker);
            let Some(pace) = self.workers.get(&worker.worker) else { continue };
            let Some(since) = pace.excess_since.filter(|_| excess > 0) else { continue };
            let sat = now.saturating_sub(since);
            let stalled = sat >= policy.most_patience && now.saturating_sub(pace.ended_at) >= policy.most_patience;
            let at_most = if stalled {
                excess
            } else if sat >= policy.patience {
                excess.min(idle)
            } else {
                0
            };
            if at_most > 0 {
                idle = idle.saturating_sub(at_most);
                orders.push(TakeBack { worker: worker.worker, at_most });
            }
        }
        orders
    }

    /// Takes note that a worker's surplus was taken back: its patience starts anew, so that work which fits nobody else
    /// does not go back and forth at every tick.
    pub fn taken_back(&mut self, worker: WorkerId, taken: u32) {
        if let Some(pace) = self.workers.get_mut(&worker) {
            pace.live = pace.live.saturating_sub(taken);
            pace.ended = 0.0;
            pace.excess_since = None;
        }
    }
}

fn free_slots(view: &PlacementView) -> u32 {
    let active = view.workers.iter().filter(|worker| worker.status == attune_types::WorkerStatus::Active);
    active.map(|worker| worker.capabilities.max_concurrent_executions.saturating_sub(worker.live)).sum()
}
