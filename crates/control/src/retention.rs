//! Removes what has been kept long enough, in small steps, and never anything that lives.
//!
//! Owns nothing but how far it has come. The rules are the store's; content of files is removed by whoever keeps it.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use attune_store::{Retained, RetentionPolicy, Store};
use attune_supervise::Life;
use attune_types::ExecutionId;

use crate::offload::offload;
use crate::trouble::Trouble;

/// The first pass begins so long after the start, and the next so long after the end of one.
const FIRST: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_secs(3600);
/// The pause between two steps: others use the database too.
const PAUSE: Duration = Duration::from_millis(50);

/// What the configuration says about how long things are kept.
#[must_use]
pub fn retention_of(config: &attune_config::Retention) -> RetentionPolicy {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let kept = |days: u32| (days > 0).then(|| i64::from(days) * DAY_MS);
    RetentionPolicy {
        logs_ms: kept(config.logs_days),
        artifacts_ms: kept(config.artifacts_days),
        executions_ms: kept(config.executions_days),
        ..RetentionPolicy::default()
    }
}

#[derive(Debug)]
struct Step;

impl Message for Step {
    type Result = ();
}

/// What it needs; survives its restarts.
#[derive(Clone)]
pub(crate) struct RetentionDeps {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) policy: RetentionPolicy,
}

/// The actor.
pub(crate) struct Retention {
    deps: RetentionDeps,
    life: Life<Self>,
    trouble: Trouble,
    after: ExecutionId,
    pass: Retained,
}

impl Retention {
    pub(crate) fn new(deps: RetentionDeps, life: Life<Self>) -> Self {
        Self { deps, life, trouble: Trouble::default(), after: ExecutionId(0), pass: Retained::default() }
    }

    fn note(&mut self, step: Retained) -> Duration {
        self.pass.logs += step.logs;
        self.pass.artifacts += step.artifacts;
        self.pass.executions += step.executions;
        if let Some(next) = step.next {
            self.after = next;
            return PAUSE;
        }
        let Retained { logs, artifacts, executions, .. } = std::mem::take(&mut self.pass);
        if logs + artifacts + executions > 0 {
            tracing::info!(logs, artifacts, executions, "what was kept long enough is removed");
        }
        self.after = ExecutionId(0);
        EVERY
    }
}

impl Actor for Retention {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        tracing::debug!(actor = self.life.name(), life = self.life.number(), "retention started");
        context.notify_later(Step, FIRST);
    }
}

impl Supervised for Retention {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.after = ExecutionId(0);
        self.pass = Retained::default();
        self.trouble = Trouble::default();
    }
}

impl Handler<Step> for Retention {
    type Result = ();

    fn handle(&mut self, _: Step, context: &mut Self::Context) {
        let (deps, after) = (self.deps.clone(), self.after);
        let removing = offload(async move { deps.store.retain(&deps.policy, after).await });
        context.spawn(removing.into_actor(self).map(|result, actor, context| {
            let pause = match actor.trouble.note("removing what is old", result) {
                Some(step) => actor.note(step),
                None => FIRST,
            };
            context.notify_later(Step, pause);
        }));
    }
}
