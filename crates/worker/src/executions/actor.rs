//! The actor that gives slots to attempts and runs an Executor for each.
//!
//! It owns the decision who runs next and lives as long as the worker. Nothing that is owed is inside it: the ledger,
//! the leashes and the Executors outlive its crashes, and its next life goes on where the ledger stands.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, ResponseActFuture, Supervised,
    WrapFuture,
};
use attune_process::clock;
use attune_queue::DeliveryTag;
use attune_store::{Completion, HandBack};
use attune_supervise::{Children, Drain, Exit, Life};
use attune_types::{ExecutionId, LeaseToken, Outcome};

use super::books::Books;
use super::claims::Claims;
use super::counters::Count;
use super::desk::{Accepting, Desk, PATIENCE, Room};
use super::finisher::Finisher;
use super::key::Key;
use super::pace::Pace;
use crate::consumer::Acknowledge;
use crate::environments::Environments;
use crate::execution::{Executor, ExecutorDeps, Stop, StopCause, StopExecution};
use crate::home::Home;

/// Work that may be claimed.
pub(crate) struct Offer {
    pub(crate) key: Key,
    /// The delivery to settle; `None` when a heartbeat brought it.
    pub(crate) tag: Option<DeliveryTag>,
}

/// Something may have become possible: a slot, a grant, an empty ledger.
pub(crate) struct Proceed;

/// The store could not be asked for work.
pub(crate) struct ClaimsFailed;

/// The pause after that is over.
struct PauseOver;

/// What was claimed in advance may have waited too long.
struct PatienceOver;

/// Somebody cancelled an execution.
pub(crate) struct Cancel {
    pub(crate) execution: ExecutionId,
    pub(crate) by: String,
}

/// Attempts that shall stop.
pub(crate) struct StopAttempts {
    pub(crate) keys: Vec<Key>,
    pub(crate) stop: Stop,
}

/// Whether new work is taken at all: the store's drain flag.
pub(crate) struct SetAccepting(pub(crate) bool);

/// Takes no more work and hands back what has not been claimed. Resolves when that is done, with the deliveries to
/// acknowledge.
pub(crate) struct StopTaking;

/// Running executions get no more time: the second signal.
pub(crate) struct Hurry;

/// The time for running executions is over.
struct DrainTimeIsUp;

/// An Executor is gone.
struct ExecutorEnded {
    key: Key,
    exit: Exit,
}

macro_rules! messages {
    ($($name:ty => $result:ty),+ $(,)?) => {
        $(impl Message for $name { type Result = $result; })+
    };
}

messages! {
    Offer => (), Proceed => (), ClaimsFailed => (), PauseOver => (), PatienceOver => (), Cancel => (), StopAttempts => (),
    SetAccepting => (), StopTaking => Vec<DeliveryTag>, Hurry => (), DrainTimeIsUp => (), ExecutorEnded => (),
}

/// What survives its crashes.
pub(crate) struct ExecutionsDeps {
    pub(crate) slots: usize,
    pub(crate) drain: Duration,
    pub(crate) books: Arc<Books>,
    pub(crate) claims: Claims,
    pub(crate) finisher: Finisher,
    pub(crate) environments: Arc<Environments>,
    pub(crate) executors: Children,
    pub(crate) executor_deps: Arc<ExecutorDeps>,
    /// Executors that run, to be told to stop.
    pub(crate) addresses: Arc<Mutex<HashMap<Key, Addr<Executor>>>>,
    /// The lock on the state directory, held as long as anything may write there.
    pub(crate) _home: Home,
}

/// The actor that gives slots to attempts.
pub(crate) struct Executions {
    deps: ExecutionsDeps,
    life: Life<Self>,
    desk: Desk,
    pace: Pace,
    /// Whether it will look for what waits too long.
    looks_again: bool,
}

impl Executions {
    pub(crate) fn new(deps: ExecutionsDeps, life: Life<Self>) -> Self {
        Self { deps, life, desk: Desk::default(), pace: Pace::default(), looks_again: false }
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<Key, Addr<Executor>>> {
        self.deps.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does everything that the ledger allows now.
    fn proceed(&mut self, context: &mut Context<Self>) {
        let (now, slots) = (clock::boot(), self.deps.slots);
        let room = Room { slots, ahead: self.pace.ahead(slots, now) };
        let todo = self.desk.todo(&mut self.deps.books.ledger(), room, now);
        for key in todo.execute {
            self.execute(key, context);
        }
        for key in todo.hand_back {
            self.hand_back_granted(key);
        }
        if !todo.claim.is_empty() {
            let hold = self.deps.environments.hold();
            tokio::spawn(self.deps.claims.clone().claim(todo.claim, hold));
        }
        if todo.is_ahead && !self.looks_again {
            self.looks_again = true;
            context.notify_later(PatienceOver, PATIENCE);
        }
        if todo.is_over {
            context.stop();
        }
    }

    fn execute(&mut self, key: Key, context: &mut Context<Self>) {
        let presence = Arc::new(());
        let Some(grant) = self.deps.books.ledger().execute(key, &presence) else { return };
        self.pace.began(key, clock::boot());
        let deps = Arc::clone(&self.deps.executor_deps);
        let name = format!("execution-{key}");
        let child = self.deps.executors.spawn(name, |life| Executor::new(deps, key, grant, presence, life));
        if self.desk.is_draining() {
            child.address.do_send(StopExecution(draining_stop()));
        }
        self.addresses().insert(key, child.address);
        let (exit, executions) = (child.exit, context.address());
        tokio::spawn(async move {
            let exit = exit.await;
            executions.do_send(ExecutorEnded { key, exit });
        });
    }

    /// Ends an attempt whose Executor is gone without a word.
    fn settle_deserted(&self, key: Key, why: String) {
        let Some(grant) = self.deps.books.ledger().unreported(key) else { return };
        self.deps.books.counters.add(Count::Fault);
        tracing::error!(execution.id = %key.execution, attempt = %key.attempt, reason = %why, "executor crashed; its execution ends as a fault of the worker");
        let completion = Completion {
            execution: key.execution,
            attempt: key.attempt,
            token: grant.work.token,
            outcome: Outcome::WorkerFault { message: why.clone() },
            result: None,
            outputs: None,
            resources: None,
            evidence: None,
            logs: Vec::new(),
        };
        let books = Arc::clone(&self.deps.books);
        let (finisher, action, held) = (self.deps.finisher.clone(), grant.work.spec.action.clone(), grant.held);
        tokio::spawn(async move {
            // Nothing is reported before nothing of it is left: a retry must never meet its predecessor.
            books.end(key).await;
            if held {
                // Whether the store let it start is not known here: if it did, the end counts instead.
                let Completion { execution, attempt, token, .. } = completion;
                let (token, never_started) = (Some(token), false);
                let hand_back = HandBack { execution, attempt, token, never_started, reason: why, outcome: None };
                finisher.hand_back_or_complete(hand_back, completion, action);
            } else {
                finisher.complete(completion, action);
            }
        });
    }

    fn stop_all(&self, stop: &Stop) {
        for address in self.addresses().values() {
            address.do_send(StopExecution(stop.clone()));
        }
    }

    /// Forgets what waits for a slot; the deliveries to settle and what the store must be told.
    fn drop_waiting(&self) -> (Vec<DeliveryTag>, Vec<HandBack>) {
        let waiting = self.deps.books.ledger().forget_waiting();
        let (mut tags, mut attempts) = (Vec::new(), Vec::new());
        for mut forgotten in waiting {
            tags.append(&mut forgotten.tags);
            attempts.push(unstarted(forgotten.key, forgotten.asked));
        }
        (tags, attempts)
    }

    /// Gives back what was granted while this worker drains.
    fn hand_back_granted(&self, key: Key) {
        let Some(grant) = self.deps.books.ledger().unreported(key) else { return };
        self.deps.finisher.hand_back(unstarted(key, Some(grant.work.token)));
    }

    fn hand_back_waiting(&self) {
        let (tags, attempts) = self.drop_waiting();
        if attempts.is_empty() {
            return;
        }
        let (finisher, acknowledge) = (self.deps.finisher.clone(), self.deps.claims.acknowledge.clone());
        let is_leaving = self.deps.books.is_leaving();
        tokio::spawn(async move {
            if is_leaving {
                finisher.say_farewell().await;
            }
            finisher.hand_back_now(attempts).await;
            acknowledge.do_send(Acknowledge(tags));
        });
    }
}

/// Gives back what nothing was started of: it waits, or its claim was granted and nobody was told to run it.
fn unstarted(key: Key, token: Option<LeaseToken>) -> HandBack {
    let Key { execution, attempt } = key;
    let reason = "the worker takes no more work".to_owned();
    HandBack { execution, attempt, token, never_started: true, reason, outcome: None }
}

fn draining_stop() -> Stop {
    Stop { cause: StopCause::Draining { by: "the worker's shutdown".to_owned() }, kill: false }
}

impl Actor for Executions {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        if self.deps.books.is_leaving() {
            self.desk.stop_taking();
        }
        if self.life.number() > 0 {
            let deserted = self.deps.books.ledger().deserted();
            for key in deserted {
                self.settle_deserted(key, "its executor was gone after a crash".to_owned());
            }
        }
        self.proceed(context);
    }
}

impl Supervised for Executions {
    fn restarting(&mut self, _: &mut Self::Context) {
        (self.desk, self.pace, self.looks_again) = (Desk::default(), Pace::default(), false);
    }
}

impl Handler<Offer> for Executions {
    type Result = ();

    fn handle(&mut self, offer: Offer, context: &mut Self::Context) {
        let offered = self.deps.books.ledger().offer(offer.key, offer.tag);
        let after = self.desk.offered(offered);
        if let Some(tag) = offer.tag.filter(|_| after.settle) {
            self.deps.claims.acknowledge.do_send(Acknowledge(vec![tag]));
        }
        if after.hand_back {
            self.hand_back_waiting();
        }
        if after.proceed {
            self.proceed(context);
        }
    }
}

impl Handler<Proceed> for Executions {
    type Result = ();

    fn handle(&mut self, _: Proceed, context: &mut Self::Context) {
        self.desk.answered();
        self.proceed(context);
    }
}

impl Handler<ClaimsFailed> for Executions {
    type Result = ();

    fn handle(&mut self, _: ClaimsFailed, context: &mut Self::Context) {
        if let Some(pause) = self.desk.failed() {
            context.notify_later(PauseOver, pause);
        }
        // Others of the same batch may have been granted.
        self.proceed(context);
    }
}

impl Handler<PauseOver> for Executions {
    type Result = ();

    fn handle(&mut self, _: PauseOver, context: &mut Self::Context) {
        self.desk.rested();
        self.proceed(context);
    }
}

impl Handler<PatienceOver> for Executions {
    type Result = ();

    fn handle(&mut self, _: PatienceOver, context: &mut Self::Context) {
        self.looks_again = false;
        self.proceed(context);
    }
}

impl Handler<Cancel> for Executions {
    type Result = ();

    fn handle(&mut self, cancel: Cancel, _: &mut Self::Context) {
        let keys = self.deps.books.ledger().executing(cancel.execution);
        let addresses = self.addresses();
        for address in keys.iter().filter_map(|key| addresses.get(key)) {
            let cause = StopCause::Cancelled { by: cancel.by.clone() };
            address.do_send(StopExecution(Stop { cause, kill: false }));
        }
    }
}

impl Handler<StopAttempts> for Executions {
    type Result = ();

    fn handle(&mut self, order: StopAttempts, _: &mut Self::Context) {
        let addresses = self.addresses();
        for address in order.keys.iter().filter_map(|key| addresses.get(key)) {
            address.do_send(StopExecution(order.stop.clone()));
        }
    }
}

impl Handler<SetAccepting> for Executions {
    type Result = ();

    fn handle(&mut self, SetAccepting(accepting): SetAccepting, context: &mut Self::Context) {
        let follows = self.desk.accept(accepting);
        if follows != Accepting::Unchanged {
            tracing::info!(accepting, "the store says whether this worker takes work");
        }
        match follows {
            Accepting::Unchanged => {}
            Accepting::Proceed => self.proceed(context),
            Accepting::HandBack => self.hand_back_waiting(),
        }
    }
}

impl Handler<StopTaking> for Executions {
    type Result = ResponseActFuture<Self, Vec<DeliveryTag>>;

    fn handle(&mut self, _: StopTaking, _: &mut Self::Context) -> Self::Result {
        self.desk.stop_taking();
        self.deps.books.leave();
        let (tags, attempts) = self.drop_waiting();
        let finisher = self.deps.finisher.clone();
        let told = async move {
            finisher.say_farewell().await;
            if !attempts.is_empty() {
                finisher.hand_back_now(attempts).await;
            }
            tags
        };
        Box::pin(told.into_actor(self).map(|tags, _, _| tags))
    }
}

impl Handler<Drain> for Executions {
    type Result = ();

    fn handle(&mut self, _: Drain, context: &mut Self::Context) {
        self.desk.drain();
        self.deps.books.leave();
        self.hand_back_waiting();
        context.notify_later(DrainTimeIsUp, self.deps.drain);
        self.proceed(context);
    }
}

impl Handler<DrainTimeIsUp> for Executions {
    type Result = ();

    fn handle(&mut self, _: DrainTimeIsUp, _: &mut Self::Context) {
        self.stop_all(&draining_stop());
    }
}

impl Handler<Hurry> for Executions {
    type Result = ();

    fn handle(&mut self, _: Hurry, _: &mut Self::Context) {
        self.stop_all(&draining_stop());
    }
}

impl Handler<ExecutorEnded> for Executions {
    type Result = ();

    fn handle(&mut self, ended: ExecutorEnded, context: &mut Self::Context) {
        let ExecutorEnded { key, exit } = ended;
        self.addresses().remove(&key);
        self.pace.ended(key, clock::boot());
        self.settle_deserted(key, format!("the executor {exit}"));
        self.proceed(context);
    }
}
