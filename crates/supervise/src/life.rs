//! The actor's line to its supervisor.

use std::{
    fmt,
    marker::PhantomData,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use actix::{Actor, ActorContext, Context};

use crate::Exit;

/// The actor's line to its supervisor, handed to its factory. Keep it among the handles that survive a restart.
///
/// actix hides the actor value from whoever owns its context, so a reason for stopping travels through here.
pub struct Life<A> {
    shared: Arc<Shared>,
    actor: PhantomData<fn(A)>,
}

struct Shared {
    name: Arc<str>,
    number: AtomicU64,
    reason: Mutex<Option<String>>,
}

impl<A: Actor<Context = Context<A>>> Life<A> {
    /// Ends this life as [`Exit::Failed`] with `reason`: records it and stops the context.
    ///
    /// ```
    /// # use actix::prelude::*;
    /// # use attune_supervise::Life;
    /// # struct Consumer { life: Life<Self> }
    /// # impl Actor for Consumer { type Context = Context<Self>; }
    /// impl Consumer {
    ///     fn stream_ended(&mut self, ctx: &mut Context<Self>) {
    ///         self.life.fail(ctx, "delivery stream ended");
    ///     }
    /// }
    /// ```
    pub fn fail(&self, ctx: &mut Context<A>, reason: impl fmt::Display) {
        *self.shared.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_string());
        ctx.stop();
    }
}

impl<A> Life<A> {
    pub(crate) fn new(name: Arc<str>) -> Self {
        Self {
            shared: Arc::new(Shared { name, number: AtomicU64::new(0), reason: Mutex::new(None) }),
            actor: PhantomData,
        }
    }

    /// Creates a line that leads nowhere, to run an actor without a supervisor in a test.
    pub fn detached(name: &str) -> Self {
        Self::new(Arc::from(name))
    }

    /// Returns the name of the child.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Returns how many lives the child had before this one: 0 before the first restart.
    pub fn number(&self) -> u64 {
        self.shared.number.load(Ordering::Relaxed)
    }

    pub(crate) fn set_number(&self, number: u64) {
        self.shared.number.store(number, Ordering::Relaxed);
    }

    /// Takes the recorded reason, so that it cannot colour a later end.
    pub(crate) fn take_failure(&self) -> Option<Exit> {
        self.shared.reason.lock().unwrap_or_else(PoisonError::into_inner).take().map(Exit::Failed)
    }
}

// Written out because a derive would ask the same of `A`.
impl<A> Clone for Life<A> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), actor: PhantomData }
    }
}

impl<A> fmt::Debug for Life<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Life").field("name", &self.name()).field("number", &self.number()).finish()
    }
}
