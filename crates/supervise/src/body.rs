//! One actor with its mailbox, as something that can be polled, broken and revived.

use std::{
    future::pending,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Supervised, dev::ContextFut, fut::wrap_future,
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::{Exit, How, Life, caught::caught, child_cell::ChildCell};

type ActorTask<A> = ContextFut<A, Context<A>>;

/// One actor with its mailbox. Owning actix's `ContextFut` is what makes the address outlive a panic: the unwinding stops here, one frame
/// above the context, instead of in tokio, which would drop the context and the mailbox with it.
pub(crate) struct Body<A: Actor<Context = Context<A>>> {
    task: Option<ActorTask<A>>,
    life: Life<A>,
    name: Arc<str>,
    /// Makes the actor new. Absent for children that are never restarted, which therefore need not implement `Supervised`.
    renew: Option<fn(&mut ActorTask<A>) -> bool>,
    drain: Option<fn(&Addr<A>)>,
    /// Keeps the mailbox of a child of a tree open even when nobody else has its address.
    address: Option<Addr<A>>,
    condition: Condition,
}

/// What may be done with the actor value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// Never polled, or renewed since its last life.
    New,
    /// Has been polled in this life.
    Alive,
    /// Its life is over. Its hooks must not run again, and it must be renewed before it is polled.
    Spent,
}

impl<A: Actor<Context = Context<A>>> Body<A> {
    /// Makes the body of a child that is never restarted.
    pub(crate) fn temporary(context: Context<A>, actor: A, life: Life<A>, name: Arc<str>) -> Self {
        let task = Some(context.into_future(actor));
        Self { task, life, name, renew: None, drain: None, address: None, condition: Condition::New }
    }

    /// Makes the body of a child of a tree.
    pub(crate) fn supervised(
        context: Context<A>,
        actor: A,
        life: Life<A>,
        name: Arc<str>,
        drain: Option<fn(&Addr<A>)>,
    ) -> Self
    where
        A: Supervised,
    {
        let address = context.address();
        let mut body = Self::temporary(context, actor, life, name);
        body.renew = Some(ActorTask::restart);
        body.drain = drain;
        body.address = Some(address);
        body
    }

    /// Says whether there can be another life.
    pub(crate) fn is_renewable(&self) -> bool {
        self.renew.is_some()
    }

    /// Prepares life number `life`. Fails when the actor panics while it is made new.
    pub(crate) fn begin(&mut self, life: u64, permit: Option<OwnedSemaphorePermit>) -> Result<(), Exit> {
        if self.condition == Condition::Spent {
            self.renew()?;
        }
        self.life.set_number(life);
        if let Some(task) = &mut self.task {
            self.condition = Condition::Alive;
            // The permit to respawn is given back by the context itself, after `started` and after the queue that waited behind the crash.
            task.ctx().spawn(wrap_future(async move { drop(permit) }));
        }
        Ok(())
    }

    /// Polls the actor until it ends. After `Ready` the hooks have run, and the actor must be renewed or discarded.
    pub(crate) fn poll_life(&mut self, cx: &mut TaskContext<'_>) -> Poll<Exit> {
        let Some(task) = &mut self.task else {
            return Poll::Ready(Exit::Shutdown);
        };
        let exit = match caught(&self.name, || Pin::new(task).poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(())) => self.life.take_failure().unwrap_or(Exit::Normal),
            Err(message) => {
                let _ = self.life.take_failure();
                Exit::Panicked(message)
            }
        };
        self.condition = Condition::Spent;
        Poll::Ready(exit)
    }

    /// Ends the life without running `stopping` and `stopped`.
    pub(crate) fn kill(&mut self) {
        if let Some(task) = &mut self.task {
            task.ctx().terminate();
        }
        let _ = self.life.take_failure();
        self.condition = Condition::Spent;
    }

    /// Replaces the spent state and drops every future of the old life, at once: guards (child processes, permits, connections) must not
    /// stay alive for the length of a backoff. `started` runs later, with the first poll of the new life.
    pub(crate) fn renew(&mut self) -> Result<(), Exit> {
        if let (Some(task), Some(renew)) = (&mut self.task, self.renew) {
            caught(&self.name, || renew(task)).map_err(Exit::Panicked)?;
            self.condition = Condition::New;
        }
        Ok(())
    }

    /// Answers `reply` from inside the context: behind the messages that are queued now, and not at all while the actor waits exclusively.
    pub(crate) fn probe(&mut self, cell: Arc<ChildCell>, reply: oneshot::Sender<()>) {
        if let Some(task) = &mut self.task {
            task.ctx().spawn(wrap_future(async move {
                cell.answered();
                let _ = reply.send(());
            }));
        }
    }

    /// Asks the actor to stop, see [`Stop::Drain`](crate::Stop::Drain).
    pub(crate) fn ask_to_stop(&mut self) {
        let Some(task) = &mut self.task else { return };
        match self.drain {
            Some(drain) => drain(&task.address()),
            None => {
                let stop = wrap_future::<_, A>(async {}).map(|(), _, ctx: &mut Context<A>| ctx.stop());
                task.ctx().spawn(stop);
            }
        }
    }

    /// Breaks the actor from inside its context.
    pub(crate) fn inject(&mut self, how: How) {
        let Some(task) = &mut self.task else { return };
        let life = self.life.clone();
        let ctx = task.ctx();
        match how {
            // Exclusive futures run before the mailbox is looked at: for the queue this is a handler that panics.
            How::PanicInHandler => ctx.wait(wrap_future(async { break_with("injected panic in a handler") })),
            How::PanicInFuture => {
                ctx.spawn(wrap_future(async {
                    tokio::task::yield_now().await;
                    break_with("injected panic in a future");
                }));
            }
            How::PanicInTimer => {
                ctx.spawn(wrap_future(async {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    break_with("injected panic in a timer");
                }));
            }
            How::Stop => {
                ctx.spawn(wrap_future::<_, A>(async {}).map(|(), _, ctx: &mut Context<A>| ctx.stop()));
            }
            How::Fail => {
                let fail = move |(), _: &mut A, ctx: &mut Context<A>| life.fail(ctx, "injected failure");
                ctx.spawn(wrap_future::<_, A>(async {}).map(fail));
            }
            How::Hang => ctx.wait(wrap_future(pending::<()>())),
        }
    }

    /// Drops actor and mailbox. Runs no hooks; a destructor that panics is caught.
    pub(crate) fn discard(&mut self) {
        self.kill();
        self.address = None;
        if let Some(task) = self.task.take() {
            let _ = caught(&self.name, || drop(task));
        }
    }
}

/// Panics. A function, so that the futures above have a result.
fn break_with(message: &'static str) {
    std::panic::panic_any(message);
}

impl<A: Actor<Context = Context<A>>> Drop for Body<A> {
    /// Reached when the arbiter goes away under the child. actix polls a context that is dropped alive: that runs the hooks of a live actor,
    /// which is right, but also `started` of one that never ran, and the hooks of one that panicked, which is not.
    fn drop(&mut self) {
        if self.condition != Condition::Alive || std::thread::panicking() {
            self.discard();
        } else if let Some(task) = self.task.take() {
            let _ = caught(&self.name, || drop(task));
        }
    }
}
