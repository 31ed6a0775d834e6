//! One pass of a scheduler.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;
use attune_store::{Assigned, Assignment, PlacementView, ReaperPolicy, Store, StoreError};
use attune_types::ExecutionId;

use super::pace::PaceBook;
use super::policy::PlacementPolicy;
use super::solve::{Advances, solve};
use crate::relay::Publish;
use crate::secrets::Vault;

/// The fewest executions that a look brings, while little is known of the workers.
const LEAST_LOOK: u32 = 32;

/// What a scheduler needs; survives its restarts.
#[derive(Clone)]
pub(crate) struct SchedulerDeps {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) relay: Recipient<Publish>,
    pub(crate) placement: PlacementPolicy,
    pub(crate) timing: ReaperPolicy,
    /// The keys of secrets; absent: nothing is sealed to workers.
    pub(crate) vault: Option<Arc<Vault>>,
    /// How often a pass runs without being woken.
    pub(crate) tick: Duration,
}

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Everything that can be placed is placed, and there is room for more.
    Finished,
    /// Every worker that fits has all it may have, and more waits.
    Full,
    /// It was cut off and should go on at once.
    CutOff,
}

/// What one look at the store came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    /// How much the look could have brought.
    pub look: usize,
    /// How many executions wait in it.
    pub waiting: usize,
    /// How many assignments were decided.
    pub wanted: usize,
    /// How many of them the store took.
    pub got: usize,
    /// How many more executions its workers could have been given.
    pub room: usize,
    /// How many requirements turned out to fit nobody now.
    pub exhausted: usize,
}

/// What follows after one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// Somebody else was faster, so the look is out of date: look again.
    Again,
    /// Look again without the requirements that fit nobody now.
    Further,
    /// The pass has ended.
    Ended {
        /// How.
        pass: Pass,
        /// Whether what workers sit on may be taken back.
        take_back: bool,
    },
}

/// How much the next look should bring. A pass runs after every completion of the moment, so it looks no further than it
/// could place.
#[must_use]
pub fn look(policy: &PlacementPolicy, book: &PaceBook) -> u32 {
    policy.look.min(book.capacity().saturating_mul(2).max(LEAST_LOOK)).clamp(1, 1000)
}

/// What follows after one look.
#[must_use]
pub const fn follows(looked: Looked) -> Follows {
    let Looked { look, waiting, wanted, got, room, exhausted } = looked;
    if got < wanted {
        return Follows::Again;
    }
    if waiting < look {
        let pass = if waiting > wanted && wanted >= room { Pass::Full } else { Pass::Finished };
        return Follows::Ended { pass, take_back: wanted == 0 };
    }
    if wanted >= room {
        return Follows::Ended { pass: Pass::Full, take_back: false };
    }
    if wanted == 0 && exhausted == 0 {
        return Follows::Ended { pass: Pass::Finished, take_back: false };
    }
    Follows::Further
}

impl SchedulerDeps {
    /// Looks, decides and writes until nothing more can be placed. The messages of an assignment go to the relay as soon
    /// as it is written. `now` is any clock that never goes back.
    pub(crate) async fn run(&self, book: &mut PaceBook, now: Duration) -> Result<Pass, StoreError> {
        let mut skip: Vec<String> = Vec::new();
        for _ in 0..self.placement.most_looks.max(1) {
            let look = look(&self.placement, book);
            let view = self.store.placement_view(look, &skip).await?;
            book.look(&view, now);
            let advances = book.advances(&view, &self.placement);
            let plan = solve(&view, &advances);
            let wanted = plan.assignments.len();
            let mut got = 0;
            if wanted > 0 {
                let (plain, secret) = self.divide(plan.assignments, &view);
                let mut assigned = self.store.assign(plain, &self.timing).await?;
                let ended = self.assign_with_secrets(secret, &view, &mut assigned).await?;
                book.assigned(&assigned);
                got = assigned.len() + ended;
                if !assigned.is_empty() {
                    tracing::debug!(assigned = assigned.len(), wanted, "assigned");
                    self.relay.do_send(Publish(assigned.into_iter().map(|assigned| assigned.message).collect()));
                }
            }
            let (waiting, room, exhausted) = (view.waiting.len(), room(&view, &advances), plan.exhausted.len());
            match follows(Looked { look: look as usize, waiting, wanted, got, room, exhausted }) {
                Follows::Again => tokio::task::yield_now().await,
                Follows::Further => skip.extend(plan.exhausted),
                Follows::Ended { pass, take_back } => {
                    if take_back {
                        self.take_back(book, &view, now).await?;
                    }
                    return Ok(pass);
                }
            }
        }
        Ok(Pass::CutOff)
    }

    /// What is assigned as it is, and what must be given secrets.
    fn divide(&self, assignments: Vec<Assignment>, view: &PlacementView) -> (Vec<Assignment>, Vec<Assignment>) {
        if self.vault.is_none() || !view.waiting.iter().any(|waiting| waiting.requirement.sealed) {
            return (assignments, Vec::new());
        }
        let secret = view.waiting.iter().filter(|waiting| waiting.requirement.sealed);
        let secret: HashSet<ExecutionId> = secret.map(|waiting| waiting.execution).collect();
        assignments.into_iter().partition(|assignment| !secret.contains(&assignment.execution))
    }

    /// Assigns what must be given secrets; how many executions ended instead, because what they need cannot be had.
    async fn assign_with_secrets(
        &self,
        assignments: Vec<Assignment>,
        view: &PlacementView,
        assigned: &mut Vec<Assigned>,
    ) -> Result<usize, StoreError> {
        let Some(vault) = self.vault.as_ref().filter(|_| !assignments.is_empty()) else { return Ok(0) };
        let sealing = vault.seal(self.store.as_ref(), &assignments, view).await?;
        let secrets = self.store.secrets();
        let mut ended = 0;
        for (execution, outcome) in &sealing.refused {
            tracing::warn!(execution.id = %execution, reason = outcome.summary(), "an execution cannot be given what it needs");
            ended += usize::from(secrets.refuse(*execution, outcome).await?);
        }
        assigned.extend(secrets.assign_sealed(sealing.assignments, &self.timing).await?);
        Ok(ended)
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
#[must_use]
pub fn room(view: &PlacementView, advances: &Advances) -> usize {
    let active = view.workers.iter().filter(|worker| worker.status == attune_types::WorkerStatus::Active);
    let room: u32 = active
        .map(|worker| {
            let advance = advances.get(&worker.worker).copied().unwrap_or(0);
            (worker.capabilities.max_concurrent_executions + advance).saturating_sub(worker.live)
        })
        .sum();
    room as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_look_has_what_follows() {
        let looked = Looked { look: 32, waiting: 10, wanted: 10, got: 10, room: 10, exhausted: 0 };
        let ended = |pass, take_back| Follows::Ended { pass, take_back };
        for (looked, expected) in [
            (looked, ended(Pass::Finished, false)),
            (Looked { got: 9, ..looked }, Follows::Again),
            (Looked { waiting: 11, ..looked }, ended(Pass::Full, false)),
            (Looked { waiting: 11, room: 20, ..looked }, ended(Pass::Finished, false)),
            (Looked { waiting: 3, wanted: 0, got: 0, room: 0, ..looked }, ended(Pass::Full, true)),
            (Looked { waiting: 0, wanted: 0, got: 0, ..looked }, ended(Pass::Finished, true)),
            (Looked { waiting: 32, ..looked }, ended(Pass::Full, false)),
            (Looked { waiting: 32, room: 20, exhausted: 1, ..looked }, Follows::Further),
            (Looked { waiting: 32, wanted: 0, got: 0, room: 20, ..looked }, ended(Pass::Finished, false)),
            (Looked { waiting: 32, wanted: 0, got: 0, room: 20, exhausted: 1, ..looked }, Follows::Further),
        ] {
            assert_eq!(follows(looked), expected, "{looked:?}");
        }
    }
}
