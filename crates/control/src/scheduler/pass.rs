//! One pass of a scheduler.

use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;
use attune_store::{PlacementView, ReaperPolicy, Store, StoreError};

use super::pace::PaceBook;
use super::policy::PlacementPolicy;
use super::solve::solve;
use crate::relay::Publish;

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
    /// Everything that can be placed is placed.
    Finished,
    /// It was cut off and should go on at once.
    CutOff,
}

impl SchedulerDeps {
    /// Looks, decides and writes until nothing more can be placed. The messages of an assignment go to the relay as soon
    /// as it is written. `now` is any clock that never goes back.
    pub(crate) async fn run(&self, book: &mut PaceBook, now: Duration) -> Result<Pass, StoreError> {
        let mut skip: Vec<String> = Vec::new();
        let look = self.placement.look.clamp(1, 1000);
        for _ in 0..self.placement.most_looks.max(1) {
            let view = self.store.placement_view(look, &skip).await?;
            book.look(&view, now);
            let plan = solve(&view, &book.advances(&view, &self.placement));
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
                return Ok(Pass::Finished);
            }
            if wanted == 0 && plan.exhausted.is_empty() {
                return Ok(Pass::Finished);
            }
            skip.extend(plan.exhausted);
            if !room_anywhere(&view, book, &self.placement) && wanted == 0 {
                return Ok(Pass::Finished);
            }
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

/// Whether any worker could still be given anything: when none can, looking further down the line is of no use.
fn room_anywhere(view: &PlacementView, book: &PaceBook, policy: &PlacementPolicy) -> bool {
    let advances = book.advances(view, policy);
    view.workers.iter().any(|worker| {
        let most = worker.capabilities.max_concurrent_executions + advances.get(&worker.worker).copied().unwrap_or(0);
        worker.status == attune_types::WorkerStatus::Active && worker.live < most
    })
}
