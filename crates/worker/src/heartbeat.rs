//! The actor that renews every lease and brings back what the store has to say.
//!
//! It owns the rhythm and lives as long as the worker, on an arbiter of its own. It beats only for a tree that answers:
//! a process whose actors hang must look dead. One beat is one statement, and it is also how work, cancels and the
//! drain flag arrive when the broker is away.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, Supervised, WeakAddr, WrapFuture};
use attune_process::clock;
use attune_store::{Beat, BeatReply, Store, StoreError};
use attune_supervise::{Generation, Life, Probe, Supervisor};
use tokio::sync::{mpsc, watch};

use crate::artifacts::is_nearly_full;
use crate::commands::{Command, commands};
use crate::environments::Preparation;
use crate::execution::{Stop, StopCause};
use crate::executions::{Books, Cancel, Executions, Key, Offer, SetAccepting, StopAttempts};
use crate::identity::Identity;
use crate::io_runtime::IoRuntime;
use crate::overseer::Order;
use crate::pulse::Pulse;

/// How long a worker takes no work because its environments are being made.
const MOST_PREPARATION: Duration = Duration::from_secs(5 * 60);

/// Beat at once: somebody said that there is something to ask for.
pub(crate) struct BeatNow;

impl Message for BeatNow {
    type Result = ();
}

/// It is time.
struct Tick(u64);

impl Message for Tick {
    type Result = ();
}

/// What survives its crashes.
pub(crate) struct HeartbeatDeps {
    pub(crate) identity: Identity,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) io: IoRuntime,
    pub(crate) every: Duration,
    pub(crate) lease: Duration,
    pub(crate) books: Arc<Books>,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) supervisor: WeakAddr<Supervisor>,
    pub(crate) executions: Addr<Executions>,
    pub(crate) orders: mpsc::UnboundedSender<Order>,
    /// Where this worker writes: a disk that is nearly full takes no new work.
    pub(crate) directory: PathBuf,
    /// What is made before the first work: nothing is assigned until then.
    pub(crate) preparation: watch::Receiver<Preparation>,
}

/// The actor that renews every lease.
pub(crate) struct Heartbeat {
    deps: HeartbeatDeps,
    life: Life<Self>,
    state: State,
}

#[derive(Default)]
struct State {
    timer: Generation,
    is_beating: bool,
    is_wanted_again: bool,
    misses: u32,
    is_disk_low: bool,
    /// When it began to wait for what is made before the first work.
    waits_since: Option<Duration>,
}

/// What came of one beat.
enum Beaten {
    Answered(Duration, BeatReply),
    Failed(StoreError),
    /// The tree did not answer, or the runtime is going away.
    Silent(Vec<String>),
}

impl Heartbeat {
    pub(crate) fn new(deps: HeartbeatDeps, life: Life<Self>) -> Self {
        Self { deps, life, state: State::default() }
    }

    fn arm(&mut self, context: &mut Context<Self>) {
        // Re-armed after each beat: an interval would catch up after a stall and beat many times in a row.
        let number = self.state.timer.advance();
        context.notify_later(Tick(number), self.deps.every);
    }

    fn beat(&mut self, context: &mut Context<Self>) {
        if self.state.is_beating {
            self.state.is_wanted_again = true;
            return;
        }
        self.state.is_beating = true;
        let (supervisor, within) = (self.deps.supervisor.upgrade(), self.deps.every);
        let (store, io, books) = (Arc::clone(&self.deps.store), self.deps.io.clone(), Arc::clone(&self.deps.books));
        let Identity { id, incarnation } = self.deps.identity;
        self.look_at_disk();
        let refuses_work = self.state.is_disk_low || self.is_preparing() || self.deps.books.is_leaving();
        let lease_ms = i64::try_from(self.deps.lease.as_millis()).unwrap_or(i64::MAX);
        let beating = async move {
            let silent = match supervisor {
                Some(supervisor) => supervisor.send(Probe { within }).await.map(|health| health.silent),
                None => Ok(vec!["supervisor".to_owned()]),
            };
            match silent {
                Ok(silent) if silent.is_empty() => {}
                Ok(silent) => return Beaten::Silent(silent),
                Err(_) => return Beaten::Silent(vec!["supervisor".to_owned()]),
            }
            let sent = clock::boot();
            let holding = books.ledger().held().into_iter().map(Key::pair).collect();
            let beat = Beat { worker: id, incarnation, holding, lease_ms, refuses_work };
            match io.run(async move { store.beat(&beat).await }).await {
                Some(Ok(reply)) => Beaten::Answered(sent, reply),
                Some(Err(error)) => Beaten::Failed(error),
                None => Beaten::Silent(vec!["runtime".to_owned()]),
            }
        };
        context.spawn(beating.into_actor(self).map(|beaten, actor, context| {
            actor.state.is_beating = false;
            actor.hear(beaten);
            if std::mem::take(&mut actor.state.is_wanted_again) {
                actor.beat(context);
            } else {
                actor.arm(context);
            }
        }));
    }

    /// Whether the first work waits for environments. What cannot be made in time is made when it is asked for: an index
    /// that does not answer must not keep everything else waiting.
    fn is_preparing(&mut self) -> bool {
        if self.deps.preparation.borrow().is_over() {
            return false;
        }
        let now = clock::boot();
        now.saturating_sub(*self.state.waits_since.get_or_insert(now)) < MOST_PREPARATION
    }

    fn look_at_disk(&mut self) {
        let is_low = is_nearly_full(&self.deps.directory);
        if is_low != self.state.is_disk_low {
            let path = self.deps.directory.display();
            if is_low {
                tracing::warn!(%path, "the disk is nearly full; no new work is taken");
            } else {
                tracing::info!(%path, "the disk has room again; new work is taken");
            }
            self.state.is_disk_low = is_low;
        }
    }

    fn hear(&mut self, beaten: Beaten) {
        match beaten {
            Beaten::Answered(sent, reply) => {
                self.deps.pulse.beat(sent);
                if self.state.misses > 0 {
                    tracing::info!(misses = self.state.misses, "heartbeats are answered again");
                }
                self.state.misses = 0;
                self.obey(reply);
            }
            Beaten::Failed(error) => {
                self.state.misses += 1;
                let silence_ms = u64::try_from(self.deps.pulse.silence().as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(
                    silence_ms,
                    misses = self.state.misses,
                    error = &error as &dyn std::error::Error,
                    "heartbeat failed"
                );
            }
            Beaten::Silent(children) => {
                self.state.misses += 1;
                tracing::error!(children = children.join(", "), "no heartbeat: the tree does not answer");
            }
        }
    }

    fn obey(&self, reply: BeatReply) {
        let executions = &self.deps.executions;
        for command in commands(reply, self.state.is_disk_low) {
            match command {
                Command::Leave => {
                    tracing::error!(life = self.life.number(), "another worker registered under this name");
                    // The overseer lives as long as the worker.
                    let _leaving = self.deps.orders.send(Order::Replaced);
                }
                Command::Accept(accepting) => executions.do_send(SetAccepting(accepting)),
                Command::Kill(keys) => {
                    executions.do_send(StopAttempts { keys, stop: Stop { cause: StopCause::TakenAway, kill: true } });
                }
                Command::Cancel { execution, by } => executions.do_send(Cancel { execution, by }),
                Command::Offer(key) => executions.do_send(Offer { key, tag: None }),
            }
        }
    }
}

impl Actor for Heartbeat {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.beat(context);
    }
}

impl Supervised for Heartbeat {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.state = State::default();
    }
}

impl Handler<Tick> for Heartbeat {
    type Result = ();

    fn handle(&mut self, Tick(number): Tick, context: &mut Self::Context) {
        if self.state.timer.is_current(number) {
            self.beat(context);
        }
    }
}

impl Handler<BeatNow> for Heartbeat {
    type Result = ();

    fn handle(&mut self, _: BeatNow, context: &mut Self::Context) {
        self.state.timer.advance();
        self.beat(context);
    }
}
