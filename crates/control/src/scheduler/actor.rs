//! Runs passes: one at a time, and once more at once when it was woken meanwhile.
//!
//! Owns what it has learned about the pace of workers, and nothing else: a crash forgets that and costs a second of
//! caution.

use std::time::Duration;

use actix::prelude::*;
use attune_supervise::Life;
use tokio::time::Instant;

use super::pace::PaceBook;
use super::pass::{Pass, SchedulerDeps};

/// The pause after a pass that filled every worker. Workers hold a little more than they can run, so nobody is idle
/// meanwhile, and the next pass finds several free slots instead of one: one commit instead of many.
const REST: Duration = Duration::from_millis(5);
use crate::offload::offload;
use crate::trouble::Trouble;

/// Something may be placed: look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule;

impl Message for Schedule {
    type Result = ();
}

/// The pause after a full pass is over. One that outlives a restart finds nobody resting and does nothing.
#[derive(Debug)]
struct Rested;

impl Message for Rested {
    type Result = ();
}

#[derive(Debug)]
struct Tick;

impl Message for Tick {
    type Result = ();
}

#[derive(Debug, Default)]
enum Work {
    #[default]
    Idle,
    Running,
    /// Woken during a pass, which may have looked too early.
    RunningAndWoken,
    /// Every worker was full a moment ago.
    Resting {
        woken: bool,
    },
}

#[derive(Debug, Default)]
struct State {
    work: Work,
    book: PaceBook,
    trouble: Trouble,
}

/// The actor.
pub(crate) struct Scheduler {
    deps: SchedulerDeps,
    life: Life<Self>,
    born: Instant,
    state: State,
}

impl Scheduler {
    pub(crate) fn new(deps: SchedulerDeps, life: Life<Self>) -> Self {
        Self { deps, life, born: Instant::now(), state: State::default() }
    }

    fn wake(&mut self, context: &mut Context<Self>) {
        match self.state.work {
            Work::Idle => self.run(context),
            Work::Running | Work::RunningAndWoken => self.state.work = Work::RunningAndWoken,
            Work::Resting { .. } => self.state.work = Work::Resting { woken: true },
        }
    }

    fn run(&mut self, context: &mut Context<Self>) {
        self.state.work = Work::Running;
        let (deps, mut book, now) = (self.deps.clone(), std::mem::take(&mut self.state.book), self.born.elapsed());
        let pass = offload(async move {
            let result = deps.run(&mut book, now).await;
            (book, result)
        });
        context.spawn(pass.into_actor(self).map(|(book, result), actor, context| {
            actor.state.book = book;
            let woken = matches!(actor.state.work, Work::RunningAndWoken);
            actor.state.work = Work::Idle;
            let ended = actor.state.trouble.note("placing executions", result);
            if ended == Some(Pass::Full) {
                actor.state.work = Work::Resting { woken };
                context.notify_later(Rested, REST);
                return;
            }
            // After a failure the next tick is early enough: a database that is away is not asked in a tight loop.
            if ended == Some(Pass::CutOff) || (woken && ended.is_some()) {
                actor.run(context);
            }
        }));
    }
}

impl Actor for Scheduler {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        tracing::debug!(actor = self.life.name(), life = self.life.number(), "scheduler started");
        context.notify(Tick);
    }
}

impl Supervised for Scheduler {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.state = State::default();
    }
}

impl Handler<Schedule> for Scheduler {
    type Result = ();

    fn handle(&mut self, _: Schedule, context: &mut Self::Context) {
        self.wake(context);
    }
}

impl Handler<Rested> for Scheduler {
    type Result = ();

    fn handle(&mut self, _: Rested, context: &mut Self::Context) {
        if let Work::Resting { woken } = self.state.work {
            self.state.work = Work::Idle;
            if woken {
                self.run(context);
            }
        }
    }
}

impl Handler<Tick> for Scheduler {
    type Result = ();

    fn handle(&mut self, _: Tick, context: &mut Self::Context) {
        self.wake(context);
        context.notify_later(Tick, self.deps.tick);
    }
}
