//! Hands the store's wake-ups on to whom they concern.
//!
//! Owns the subscription. Wake-ups are hints, so one that is lost while this actor restarts costs a second: everybody
//! whom they concern also looks by itself.

use std::sync::Arc;

use actix::prelude::*;
use attune_store::{Store, Wake};
use attune_supervise::Life;
use tokio::sync::broadcast::error::RecvError;

use crate::relay;
use crate::scheduler::Schedule;
use crate::waiters::Waiters;

/// What a bell needs; survives its restarts.
#[derive(Clone)]
pub(crate) struct BellDeps {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) scheduler: Recipient<Schedule>,
    pub(crate) relay: Recipient<relay::Drain>,
    pub(crate) waiters: Waiters,
}

impl BellDeps {
    fn ring(&self, wake: Wake) {
        match wake {
            Wake::Schedule => self.scheduler.do_send(Schedule),
            Wake::Outbox => self.relay.do_send(relay::Drain),
            Wake::Execution(id) => self.waiters.wake(id),
        }
    }

    /// Listens until the store is closed.
    async fn listen(self) {
        let mut wakes = self.store.wakes();
        loop {
            match wakes.recv().await {
                Ok(wake) => self.ring(wake),
                Err(RecvError::Lagged(_)) => {
                    for wake in [Wake::Schedule, Wake::Outbox, Wake::Execution(None)] {
                        self.ring(wake);
                    }
                }
                Err(RecvError::Closed) => return,
            }
        }
    }
}

/// The actor.
pub(crate) struct Bell {
    deps: BellDeps,
    life: Life<Self>,
}

impl Bell {
    pub(crate) fn new(deps: BellDeps, life: Life<Self>) -> Self {
        Self { deps, life }
    }
}

impl Actor for Bell {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let listening = self.deps.clone().listen();
        context.spawn(
            listening.into_actor(self).map(|(), actor, context| actor.life.fail(context, "the store was closed")),
        );
    }
}

impl Supervised for Bell {}
