//! The declaration of one child.

use actix::{Actor, Addr, Context, Handler};

use crate::{Drain, Placement, Policy, Restart, Stop};

/// The declaration of one child: its name and everything the supervisor has to know about it.
///
/// The type of the actor is inferred from the factory that goes with it, see [`TreeBuilder::child`](crate::TreeBuilder::child).
#[derive(Debug)]
pub struct ChildSpec<A: Actor<Context = Context<A>>> {
    pub(crate) name: String,
    pub(crate) restart: Restart,
    pub(crate) stop: Stop,
    pub(crate) placement: Placement,
    pub(crate) policy: Option<Policy>,
    pub(crate) drain: Option<fn(&Addr<A>)>,
}

impl<A: Actor<Context = Context<A>>> ChildSpec<A> {
    /// Declares a child that runs [`Here`](Placement::Here), stops by draining for 5 s and follows the policy of its tree.
    pub fn new(name: impl Into<String>, restart: Restart) -> Self {
        Self {
            name: name.into(),
            restart,
            stop: Stop::default(),
            placement: Placement::Here,
            policy: None,
            drain: None,
        }
    }

    /// Says how it is stopped.
    pub fn stop(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// Says where it runs.
    pub fn on(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    /// Gives it a policy of its own instead of the tree's.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Drains by sending the actor a [`Drain`] and waiting until it stops itself, instead of stopping its context.
    pub fn drain_by_message(mut self) -> Self
    where
        A: Handler<Drain>,
    {
        self.drain = Some(|address| address.do_send(Drain));
        self
    }
}
