//! The actor that makes environments: one build per key at a time.
//!
//! It owns the builds that are under way and lives as long as the worker. What is ready lies on the shelf outside of it;
//! who waits for a build that died with it asks again.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseFuture, Supervised, WrapFuture};
use attune_supervise::Life;
use tokio::sync::oneshot;

use super::preparer::{EnvironmentFailure, EnvironmentKey};
use super::ready::Environments;
use crate::io_runtime::IoRuntime;

/// Asks for an environment. `Err(None)` when the build was given up and may be asked for again.
pub(crate) struct Prepare(pub(crate) EnvironmentKey);

/// What a build came to.
pub(crate) type Prepared = Result<Option<PathBuf>, Option<EnvironmentFailure>>;

impl Message for Prepare {
    type Result = Prepared;
}

/// What survives its crashes.
pub(crate) struct EnvSetupDeps {
    pub(crate) environments: Arc<Environments>,
    pub(crate) io: IoRuntime,
    /// What to make at start, before anybody asks.
    pub(crate) at_start: Vec<EnvironmentKey>,
}

/// The actor that makes environments.
pub(crate) struct EnvSetup {
    deps: EnvSetupDeps,
    life: Life<Self>,
    under_way: HashMap<EnvironmentKey, Vec<oneshot::Sender<Prepared>>>,
}

impl EnvSetup {
    pub(crate) fn new(deps: EnvSetupDeps, life: Life<Self>) -> Self {
        Self { deps, life, under_way: HashMap::new() }
    }

    fn build(&mut self, key: EnvironmentKey, waiting: Option<oneshot::Sender<Prepared>>, context: &mut Context<Self>) {
        let is_new = !self.under_way.contains_key(&key);
        self.under_way.entry(key.clone()).or_default().extend(waiting);
        if !is_new {
            return;
        }
        let (preparer, io, wanted) = (self.deps.environments.preparer(), self.deps.io.clone(), key.clone());
        let building = async move { io.run(async move { preparer.prepare(&wanted).await }).await };
        context.spawn(building.into_actor(self).map(move |built, actor, _| {
            let prepared: Prepared = match built {
                Some(Ok(environment)) => {
                    actor.deps.environments.put(key.clone(), environment.clone());
                    Ok(environment)
                }
                Some(Err(failure)) => {
                    tracing::warn!(pack = key.pack.as_deref(), runtime = %key.runtime, step = %failure.step, "environment could not be prepared");
                    Err(Some(failure))
                }
                None => Err(None),
            };
            for waiting in actor.under_way.remove(&key).unwrap_or_default() {
                let _gone = waiting.send(prepared.clone());
            }
        }));
    }
}

impl Actor for EnvSetup {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        if self.life.number() == 0 {
            for key in self.deps.at_start.clone() {
                self.build(key, None, context);
            }
        }
    }
}

impl Supervised for EnvSetup {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.under_way = HashMap::new();
    }
}

impl Handler<Prepare> for EnvSetup {
    // The future only waits for a word of this actor; when the actor dies, the sender dies and the wait is over.
    type Result = ResponseFuture<Prepared>;

    fn handle(&mut self, Prepare(key): Prepare, context: &mut Self::Context) -> Self::Result {
        if let Some(environment) = self.deps.environments.ready(&key) {
            return Box::pin(std::future::ready(Ok(environment)));
        }
        let (sender, prepared) = oneshot::channel();
        self.build(key, Some(sender), context);
        Box::pin(async move { prepared.await.unwrap_or(Err(None)) })
    }
}
