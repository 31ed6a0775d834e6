//! The actor that the tests break.

use std::{future::pending, time::Duration};

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, MessageResult, ResponseActFuture,
    Supervised, fut::wrap_future,
};
use attune_supervise::{Drain, Life};

use crate::support::Journal;

/// Deps (`life`, `name`, `journal`, `habits`) and state, as the contract of a child says.
pub(crate) struct Subject {
    life: Life<Self>,
    name: &'static str,
    journal: Journal,
    habits: Habits,
    state: State,
}

/// What a subject does by itself.
#[derive(Clone, Copy, Default)]
pub(crate) struct Habits {
    /// `started` panics in lives before this one.
    pub(crate) bad_starts: u64,
    /// `stopped` panics.
    pub(crate) panics_when_stopped: bool,
    /// The first `restarting` panics.
    pub(crate) panics_when_renewed: bool,
    /// How long it takes to drain; `None` means for ever.
    pub(crate) drains_within: Option<Duration>,
}

struct State {
    count: u32,
    _guard: Guard,
}

/// Notes when it is dropped.
struct Guard {
    journal: Journal,
    entry: String,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.journal.note(self.entry.clone());
    }
}

impl State {
    fn new(journal: &Journal, name: &str) -> Self {
        Self { count: 0, _guard: Guard { journal: journal.clone(), entry: format!("{name} state dropped") } }
    }
}

impl Subject {
    pub(crate) fn new(life: Life<Self>, name: &'static str, journal: &Journal, habits: Habits) -> Self {
        let state = State::new(journal, name);
        Self { life, name, journal: journal.clone(), habits, state }
    }

    fn note(&self, what: &str) {
        self.journal.note(format!("{} {what}", self.name));
    }
}

impl Actor for Subject {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        self.note("started");
        assert!(self.life.number() >= self.habits.bad_starts, "bad start");
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.note("stopped");
        assert!(!self.habits.panics_when_stopped, "bad stop");
    }
}

impl Supervised for Subject {
    fn restarting(&mut self, _: &mut Context<Self>) {
        self.note("restarting");
        let first = std::mem::take(&mut self.habits.panics_when_renewed);
        assert!(!first, "bad renewal");
        self.state = State::new(&self.journal, self.name);
    }
}

/// Counts the messages of this life; the answer is the number of the life and the count.
pub(crate) struct Count;

impl Message for Count {
    type Result = (u64, u32);
}

impl Handler<Count> for Subject {
    type Result = MessageResult<Count>;

    fn handle(&mut self, _: Count, _: &mut Context<Self>) -> Self::Result {
        self.state.count += 1;
        MessageResult((self.life.number(), self.state.count))
    }
}

/// Breaks the subject with code of its own, as a bug would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    PanicInHandler,
    PanicInFuture,
    PanicInTimer,
    Stop,
    Fail,
    Hang,
}

impl Break {
    pub(crate) const ALL: [Self; 6] =
        [Self::PanicInHandler, Self::PanicInFuture, Self::PanicInTimer, Self::Stop, Self::Fail, Self::Hang];
}

impl Message for Break {
    type Result = ();
}

impl Handler<Break> for Subject {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, how: Break, ctx: &mut Context<Self>) -> Self::Result {
        match how {
            Break::PanicInHandler => panic!("boom in a handler"),
            Break::PanicInFuture => {
                let late = wrap_future::<_, Self>(tokio::task::yield_now());
                return Box::pin(late.map(|(), _, _: &mut Context<Self>| panic!("boom in a future")));
            }
            Break::PanicInTimer => {
                ctx.run_later(Duration::from_millis(20), |_, _| panic!("boom in a timer"));
            }
            Break::Stop => ctx.stop(),
            Break::Fail => self.life.fail(ctx, "out of luck"),
            Break::Hang => ctx.wait(wrap_future(pending())),
        }
        Box::pin(wrap_future(async {}))
    }
}

/// Leaves a future with a guard in the context.
pub(crate) struct HoldGuard;

impl Message for HoldGuard {
    type Result = ();
}

impl Handler<HoldGuard> for Subject {
    type Result = ();

    fn handle(&mut self, _: HoldGuard, ctx: &mut Context<Self>) {
        let guard = Guard { journal: self.journal.clone(), entry: format!("{} future dropped", self.name) };
        ctx.spawn(wrap_future(async move {
            pending::<()>().await;
            drop(guard);
        }));
    }
}

impl Handler<Drain> for Subject {
    type Result = ();

    fn handle(&mut self, _: Drain, ctx: &mut Context<Self>) {
        self.note("draining");
        if let Some(after) = self.habits.drains_within {
            ctx.run_later(after, |subject, ctx| {
                subject.note("drained");
                ctx.stop();
            });
        }
    }
}
