//! Ends what nobody will end any more: leases that ran out, assignments that nobody claimed, workers that fell silent.
//!
//! Owns nothing. The rules, and the memory that keeps a gap in the ticks from costing a lease, are the store's.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use attune_store::{ReapReport, ReaperPolicy, Store};
use attune_supervise::Life;

use crate::offload::offload;
use crate::trouble::Trouble;

#[derive(Debug)]
struct Tick;

impl Message for Tick {
    type Result = ();
}

/// What a reaper needs; survives its restarts.
#[derive(Clone)]
pub(crate) struct ReaperDeps {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) timing: ReaperPolicy,
    /// How often it acts.
    pub(crate) tick: Duration,
}

#[derive(Debug, Default)]
struct State {
    trouble: Trouble,
    sparing: bool,
}

/// The actor.
pub(crate) struct Reaper {
    deps: ReaperDeps,
    life: Life<Self>,
    state: State,
}

impl Reaper {
    pub(crate) fn new(deps: ReaperDeps, life: Life<Self>) -> Self {
        Self { deps, life, state: State::default() }
    }

    fn report(&mut self, report: &ReapReport) {
        for (execution, attempt, status) in &report.lost {
            tracing::warn!(
                execution.id = %execution, execution.attempt = %attempt, execution.status = %status,
                "a lease ran out: the worker vanished while it ran"
            );
        }
        for execution in &report.superseded {
            tracing::info!(execution.id = %execution, "nobody claimed an assignment in time; it waits again");
        }
        for worker in &report.unreachable {
            tracing::warn!(worker.id = %worker, "a worker fell silent and gets no new work");
        }
        if report.spared && !self.state.sparing {
            tracing::warn!("the reaper was away for a while, so no lease is ended for one lease time");
        }
        self.state.sparing = report.spared;
    }
}

impl Actor for Reaper {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        tracing::debug!(actor = self.life.name(), life = self.life.number(), "reaper started");
        context.notify(Tick);
    }
}

impl Supervised for Reaper {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.state = State::default();
    }
}

impl Handler<Tick> for Reaper {
    type Result = ();

    fn handle(&mut self, _: Tick, context: &mut Self::Context) {
        let deps = self.deps.clone();
        let reaping = offload(async move { deps.store.reap(&deps.timing).await });
        // The next tick is set when this one has ended, so a slow database never has two of them at once.
        context.spawn(reaping.into_actor(self).map(|result, actor, context| {
            if let Some(report) = actor.state.trouble.note("reaping", result) {
                actor.report(&report);
            }
            context.notify_later(Tick, actor.deps.tick);
        }));
    }
}
