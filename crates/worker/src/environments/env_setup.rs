//! The actor that makes environments: one build per key at a time.
//!
//! It owns the builds that are under way and lives as long as the worker. What is ready lies on the shelf outside of it;
//! who waits for a build that died with it asks again. Now and then it looks whether what is ready still is what the
//! packs ask for: packs change, volumes are pruned, interpreters are upgraded.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, Recipient, ResponseFuture, Supervised, WrapFuture,
};
use attune_supervise::Life;
use tokio::sync::oneshot;

use super::preparer::{EnvironmentFailure, EnvironmentKey, Stamp};
use super::ready::Environments;
use super::slot::ReadyEnvironment;
use super::teller::{Preparation, Teller};
use crate::execution::Planner;
use crate::heartbeat::BeatNow;
use crate::io_runtime::IoRuntime;

/// The pause between two looks.
const LOOK: Duration = Duration::from_secs(2);

/// Asks for an environment. `Err(None)` when the build was given up and may be asked for again.
pub(crate) struct Prepare(pub(crate) EnvironmentKey);

/// What a build came to.
pub(crate) type Prepared = Result<Option<Arc<ReadyEnvironment>>, Option<EnvironmentFailure>>;

impl Message for Prepare {
    type Result = Prepared;
}

/// What survives its crashes.
pub(crate) struct EnvSetupDeps {
    pub(crate) environments: Arc<Environments>,
    pub(crate) planner: Arc<Planner>,
    pub(crate) io: IoRuntime,
    /// What to make before the worker takes work; nothing when it is made on first use.
    pub(crate) at_start: Vec<EnvironmentKey>,
    /// Whether whatever turns up later is made before anybody asks.
    pub(crate) is_eager: bool,
    pub(crate) teller: Teller,
    /// Who says that work is taken now.
    pub(crate) beat_now: Recipient<BeatNow>,
}

/// The actor that makes environments.
pub(crate) struct EnvSetup {
    deps: EnvSetupDeps,
    life: Life<Self>,
    under_way: HashMap<EnvironmentKey, Vec<oneshot::Sender<Prepared>>>,
    /// What could not be made for what the packs asked for then: nobody but an execution tries that again.
    hopeless: HashMap<EnvironmentKey, Option<Stamp>>,
}

impl EnvSetup {
    pub(crate) fn new(deps: EnvSetupDeps, life: Life<Self>) -> Self {
        Self { deps, life, under_way: HashMap::new(), hopeless: HashMap::new() }
    }

    fn build(&mut self, key: EnvironmentKey, waiting: Option<oneshot::Sender<Prepared>>, context: &mut Context<Self>) {
        let is_new = !self.under_way.contains_key(&key);
        self.under_way.entry(key.clone()).or_default().extend(waiting);
        if !is_new {
            return;
        }
        let (preparer, io, wanted) = (self.deps.environments.preparer(), self.deps.io.clone(), key.clone());
        let building = async move {
            io.run(async move {
                // Taken before anything is read: what changes meanwhile is seen as a change afterwards.
                let stamp = preparer.needs(&wanted);
                (stamp, preparer.prepare(&wanted).await)
            })
            .await
        };
        context.spawn(building.into_actor(self).map(move |built, actor, _| {
            let prepared: Prepared = match built {
                Some((stamp, Ok(environment))) => {
                    actor.hopeless.remove(&key);
                    actor.deps.environments.put(key.clone(), stamp, environment.clone());
                    Ok(environment)
                }
                Some((stamp, Err(failure))) => {
                    actor.hopeless.insert(key.clone(), stamp);
                    let last = failure.log.trim_end().rsplit('\n').next().unwrap_or_default();
                    tracing::warn!(pack = key.pack.as_deref(), runtime = %key.runtime, step = %failure.step, last, "environment could not be prepared");
                    Err(Some(failure))
                }
                None => Err(None),
            };
            actor.count(&key, prepared.is_ok());
            for waiting in actor.under_way.remove(&key).unwrap_or_default() {
                let _gone = waiting.send(prepared.clone());
            }
        }));
    }

    /// Counts what was to be made before the worker takes work.
    fn count(&mut self, key: &EnvironmentKey, is_ready: bool) {
        let Some(place) = self.deps.at_start.iter().position(|wanted| wanted == key) else { return };
        self.deps.at_start.swap_remove(place);
        let mut shown = Preparation::default();
        self.deps.teller.preparation().send_modify(|preparation| {
            if is_ready {
                preparation.ready += 1;
            } else {
                preparation.failed += 1;
            }
            shown = preparation.clone();
        });
        tracing::info!(ready = shown.ready, failed = shown.failed, wanted = shown.wanted, "preparing environments");
        if shown.is_over() {
            self.deps.beat_now.do_send(BeatNow);
        }
    }

    fn look(&mut self, context: &mut Context<Self>) {
        let (environments, planner) = (Arc::clone(&self.deps.environments), Arc::clone(&self.deps.planner));
        let teller = self.deps.teller.clone();
        let looking = tokio::task::spawn_blocking(move || {
            let survey = environments.survey(&planner.library());
            survey.dropped.into_iter().for_each(|fingerprint| teller.forget(fingerprint));
            let preparer = environments.preparer();
            survey.missing.into_iter().map(|key| (preparer.needs(&key), key)).collect::<Vec<_>>()
        });
        context.spawn(looking.into_actor(self).map(|missing, actor, context| {
            for (stamp, key) in missing.unwrap_or_default() {
                if actor.deps.is_eager && actor.hopeless.get(&key) != Some(&stamp) {
                    actor.build(key, None, context);
                }
            }
            context.run_later(LOOK, Self::look);
        }));
    }
}

impl Actor for EnvSetup {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        // After a crash those are left whose builds died with it.
        for key in self.deps.at_start.clone() {
            self.build(key, None, context);
        }
        context.run_later(LOOK, Self::look);
        tracing::debug!(child = self.life.name(), "environments are watched");
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
