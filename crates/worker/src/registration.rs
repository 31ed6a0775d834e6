//! The actor that announces this worker and takes its leave.
//!
//! It owns the announcement, not the identity: that was made before the tree and lives outside of it, so that a crash
//! here announces the same worker again and disturbs nobody.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, Supervised, WrapFuture};
use attune_store::{Registration as Announcement, Store};
use attune_supervise::{Drain, Generation, Life};

use crate::identity::Identity;

/// The pause before an announcement is made again that the store did not take.
const PAUSE: Duration = Duration::from_secs(2);
/// How long taking leave may take.
const LEAVE_TIME: Duration = Duration::from_secs(2);

/// Announce this worker.
struct Announce(u64);

impl Message for Announce {
    type Result = ();
}

/// What survives its crashes.
pub(crate) struct RegistrationDeps {
    pub(crate) identity: Identity,
    pub(crate) announcement: Announcement,
    pub(crate) store: Arc<dyn Store>,
}

/// The actor that announces this worker.
pub(crate) struct Registration {
    deps: RegistrationDeps,
    life: Life<Self>,
    timer: Generation,
}

impl Registration {
    pub(crate) fn new(deps: RegistrationDeps, life: Life<Self>) -> Self {
        Self { deps, life, timer: Generation::default() }
    }
}

impl Actor for Registration {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        // The first announcement was made before the tree existed: everybody in it needs the id that it brought.
        if self.life.number() > 0 {
            let number = self.timer.advance();
            context.notify(Announce(number));
        }
    }
}

impl Supervised for Registration {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.timer = Generation::default();
    }
}

impl Handler<Announce> for Registration {
    type Result = ();

    fn handle(&mut self, Announce(number): Announce, context: &mut Self::Context) {
        if !self.timer.is_current(number) {
            return;
        }
        // The evidence was good when this life began. By now the name may be somebody else's, who is alive.
        let (store, mut announcement) = (Arc::clone(&self.deps.store), self.deps.announcement.clone());
        announcement.previous_is_dead = false;
        let announcing = async move { store.register_worker(&announcement).await };
        context.spawn(announcing.into_actor(self).map(|answer, actor, context| match answer {
            Ok(registered) if registered.id == actor.deps.identity.id => {
                tracing::info!(worker.id = %registered.id, "worker announced again");
            }
            Ok(registered) => {
                actor.life.fail(context, format_args!("the store now calls this worker {}", registered.id))
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "worker could not be announced; trying again");
                let number = actor.timer.advance();
                context.notify_later(Announce(number), PAUSE);
            }
        }));
    }
}

impl Handler<Drain> for Registration {
    type Result = ();

    fn handle(&mut self, _: Drain, context: &mut Self::Context) {
        let (store, Identity { id, incarnation }) = (Arc::clone(&self.deps.store), self.deps.identity);
        let leaving = async move {
            match tokio::time::timeout(LEAVE_TIME, store.deregister_worker(id, incarnation)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "worker could not take its leave; the store finds out by its silence"
                    );
                }
                Err(_) => tracing::warn!("worker could not take its leave in time; the store finds out by its silence"),
            }
        };
        context.spawn(leaving.into_actor(self).map(|(), _, context| context.stop()));
    }
}
