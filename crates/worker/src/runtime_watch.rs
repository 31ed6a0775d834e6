//! The actor that notices interpreters that come and go.
//!
//! It owns nothing but its rhythm. A look at the folders costs a `stat` each; only when one of them changed, or packs define
//! a runtime that was not looked for, are programs asked for their versions again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Recipient, Supervised, WrapFuture};
use attune_process::Launcher;
use attune_runtime::Registry;
use attune_store::Store;
use attune_supervise::Life;

use crate::execution::Planner;
use crate::found_runtimes;
use crate::io_runtime::IoRuntime;
use crate::registration::NowOffers;

/// The pause between two looks.
const LOOK: Duration = Duration::from_secs(3);

/// What survives its crashes.
pub(crate) struct RuntimeWatchDeps {
    pub(crate) planner: Arc<Planner>,
    pub(crate) launcher: Launcher,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) io: IoRuntime,
    /// Who announces what this worker can run.
    pub(crate) offers: Recipient<NowOffers>,
}

/// The actor that notices interpreters that come and go.
pub(crate) struct RuntimeWatch {
    deps: RuntimeWatchDeps,
    life: Life<Self>,
}

impl RuntimeWatch {
    pub(crate) const fn new(deps: RuntimeWatchDeps, life: Life<Self>) -> Self {
        Self { deps, life }
    }

    fn look(&mut self, context: &mut Context<Self>) {
        let (planner, launcher) = (Arc::clone(&self.deps.planner), self.deps.launcher.clone());
        let io = self.deps.io.clone();
        let looking = async move { io.run(look(planner, launcher)).await.flatten() };
        context.spawn(looking.into_actor(self).map(|changed, actor, context| {
            if let Some(registry) = changed {
                actor.deps.offers.do_send(NowOffers(Arc::clone(&registry)));
                tokio::spawn(found_runtimes::tell(Arc::clone(&actor.deps.store), registry));
            }
            context.run_later(LOOK, Self::look);
        }));
    }
}

/// What can be run now, when that is another than before.
async fn look(planner: Arc<Planner>, launcher: Launcher) -> Option<Arc<Registry>> {
    let reading = Arc::clone(&planner);
    let due = tokio::task::spawn_blocking(move || {
        reading.runtimes.follow(&reading.library());
        reading.runtimes.due()
    });
    let due = due.await.ok().flatten()?;
    let found = attune_runtime::detect(&due.options, &launcher).await;
    for warning in &found.warnings {
        tracing::debug!("{warning}");
    }
    let changed = tokio::task::spawn_blocking(move || {
        let registry = planner.runtimes.take_up(due, found)?;
        planner.sandboxes.also_read(&programs(&registry));
        Some(registry)
    });
    let registry = changed.await.ok().flatten()?;
    let runtimes: Vec<String> = registry.offers().into_keys().collect();
    tracing::info!(runtimes = runtimes.join(","), "other interpreters than before are here");
    Some(registry)
}

/// Where the interpreters lie.
pub(crate) fn programs(registry: &Registry) -> Vec<PathBuf> {
    let paths = registry.interpreters().iter().map(|interpreter| interpreter.path.as_str());
    paths.filter(|path| !path.is_empty()).map(PathBuf::from).collect()
}

impl Actor for RuntimeWatch {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_later(LOOK, Self::look);
        tracing::debug!(child = self.life.name(), "interpreters are watched");
    }
}

impl Supervised for RuntimeWatch {}
