//! One pass of a scheduler.

use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;
use attune_store::{PlacementView, ReaperPolicy, Store, StoreError};

use super::pace::PaceBook;
use super::policy::PlacementPolicy;
use super::solve::{Advances, solve};
use crate::relay::Publish;

/// The fewest executions that a look brings, while little is known of the workers.
const LEAST_LOOK: u32 = 32;

/// What a scheduler needs; survives its restarts.
#[derive(Clone)]
pub(crate) struct SchedulerDeps {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) relay: Recipient<Publish>,
    pub(crate) placement: PlacementPolicy,
    pub(crate) timing: ReaperPolicy,
    /// How often a pass runs without being woken.
    pub(crate) tick: Duration,
}

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Everything that can be placed is placed, and there is room for more.
    Finished,
    /// Every worker that fits has all it may have, and more waits.
    Full,
    /// It was cut off and should go on at once.
    CutOff,
}

impl SchedulerDeps {
    /// Looks, decides and writes until nothing more can be placed. The messages of an assignment go to the relay as soon
    /// as it is written. `now` is any clock that never goes back.
    pub(crate) async fn run(&self, book: &mut PaceBook, now: Duration) -> Result<Pass, StoreError> {
        let mut skip: Vec<String> = Vec::new();
        for _ in 0..self.placement.most_looks.max(1) {
            // A pass runs after every completion of the moment, so it looks no further than it could place.
            let look = self.placement.look.min(book.capacity().saturating_mul(2).max(LEAST_LOOK)).clamp(1, 1000);
            let view = self.store.placement_view(look, &skip).await?;
            book.look(&view, now);
            let advances = book.advances(&view, &self.placement);
            let plan = solve(&view, &advances);
            let wanted = plan.assignments.len();
            if wanted > 0 {
                let assigned = self.store.assign(plan.assignments, &self.timing).await?;
                book.assigned(&assigned);
                let got = assigned.len();
                if got > 0 {
                    tracing::debug!(assigned = got, wanted, "assigned");
                    self.relay.do_send(Publish(assigned.into_iter().map(|assigned| assigned.message).collect()));
                }
                if got < wanted {
                    // Somebody else was faster, so this look is out of date.
                    tokio::task::yield_now().await;
                    continue;
                }
            }
            if view.waiting.len() < look as usize {
                if wanted == 0 {
                    self.take_back(book, &view, now).await?;
                }
                let full = view.waiting.len() > wanted && wanted >= room(&view, &advances);
                return Ok(if full { Pass::Full } else { Pass::Finished });
            }
            if wanted >= room(&view, &advances) {
                return Ok(Pass::Full);
            }
            if wanted == 0 && plan.exhausted.is_empty() {
                return Ok(Pass::Finished);
            }
            skip.extend(plan.exhausted);
        }
        Ok(Pass::CutOff)
    }

    async fn take_back(&self, book: &mut PaceBook, view: &PlacementView, now: Duration) -> Result<(), StoreError> {
        for order in book.take_backs(view, &self.placement, now) {
            let taken = self.store.take_back(order.worker, order.at_most).await?;
            book.taken_back(order.worker, u32::try_from(taken.len()).unwrap_or(u32::MAX));
            if !taken.is_empty() {
                tracing::info!(worker.id = %order.worker, executions = taken.len(), "taken back from a busy worker");
            }
        }
        Ok(())
    }
}

/// How many more executions the workers of `view` may be given.
fn room(view: &PlacementView, advances: &Advances) -> usize {
    let active = view.workers.iter().filter(|worker| worker.status == attune_types::WorkerStatus::Active);
    let room: u32 = active
        .map(|worker| {
            let advance = advances.get(&worker.worker).copied().unwrap_or(0);
            (worker.capabilities.max_concurrent_executions + advance).saturating_sub(worker.live)
        })
        .sum();
    room as usize
}
