//! The actor that announces this worker and takes its leave.
//!
//! It owns the announcement, not the identity: that was made before the tree and lives outside of it, so that a crash
//! here announces the same worker again and disturbs nobody.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, Supervised, WrapFuture};
use attune_runtime::Registry;
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

/// This worker can run other things than it announced.
pub(crate) struct NowOffers(pub(crate) Arc<Registry>);

impl Message for NowOffers {
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
    /// Whether an announcement is on its way: taking leave before it arrives would be undone by it.
    is_announcing: bool,
    is_leaving: bool,
}

impl Registration {
    pub(crate) fn new(deps: RegistrationDeps, life: Life<Self>) -> Self {
        Self { deps, life, timer: Generation::default(), is_announcing: false, is_leaving: false }
    }

    fn leave(&mut self, context: &mut Context<Self>) {
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
        (self.is_announcing, self.is_leaving) = (false, false);
    }
}

impl Handler<NowOffers> for Registration {
    type Result = ();

    fn handle(&mut self, NowOffers(registry): NowOffers, context: &mut Self::Context) {
        registry.describe(&mut self.deps.announcement.capabilities);
        let number = self.timer.advance();
        context.notify(Announce(number));
    }
}

impl Handler<Announce> for Registration {
    type Result = ();

    fn handle(&mut self, Announce(number): Announce, context: &mut Self::Context) {
        if !self.timer.is_current(number) || self.is_leaving {
            return;
        }
        if self.is_announcing {
            context.notify_later(Announce(number), PAUSE);
            return;
        }
        self.is_announcing = true;
        // The evidence was good when this life began. By now the name may be somebody else's, who is alive.
        let (store, mut announcement) = (Arc::clone(&self.deps.store), self.deps.announcement.clone());
        announcement.previous_is_dead = false;
        let announcing = async move { store.register_worker(&announcement).await };
        context.spawn(announcing.into_actor(self).map(|answer, actor, context| {
            actor.is_announcing = false;
            match answer {
                Ok(registered) if registered.id == actor.deps.identity.id => {
                    tracing::info!(worker.id = %registered.id, "worker announced again");
                }
                Ok(registered) => {
                    actor.life.fail(context, format_args!("the store now calls this worker {}", registered.id));
                    return;
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "worker could not be announced; trying again"
                    );
                    let number = actor.timer.advance();
                    context.notify_later(Announce(number), PAUSE);
                }
            }
            if actor.is_leaving {
                actor.leave(context);
            }
        }));
    }
}

impl Handler<Drain> for Registration {
    type Result = ();

    fn handle(&mut self, _: Drain, context: &mut Self::Context) {
        self.is_leaving = true;
        if !self.is_announcing {
            self.leave(context);
        }
    }
}
