//! Declaring and starting a tree.

use std::{sync::Arc, time::Duration};

use actix::{Actor, Addr, AsyncContext, Context, Supervised, dev::channel::channel};
use actix_rt::ArbiterHandle;
use tokio::{
    runtime::Runtime,
    sync::{Semaphore, mpsc, oneshot, watch},
    time::Instant,
};

use crate::{
    ChildSpec, Children, Ending, Exit, History, Life, Placement, Policy, Strategy, Supervisor, TreeEnd,
    arbiters::Arbiters,
    body::Body,
    brain::{Brain, Slot},
    caught::caught,
    child_cell::ChildCell,
    child_handle::ChildHandle,
    child_task::{ChildTask, Phase},
    event::Event,
    order::Order,
    report::Report,
    watchdog::{Watched, watch},
};

/// How many children may be respawning at the same time: from the end of their backoff until they have worked off their queue once.
const SIMULTANEOUS_RESPAWNS: usize = 4;

/// Declares a tree. Every address exists before any actor runs, so that the actors can be given each other's.
///
/// ```
/// use actix::prelude::*;
/// use attune_supervise::{ChildSpec, Life, Policy, Restart, Shutdown, Status, Strategy, TreeBuilder};
///
/// struct Consumer {
///     life: Life<Self>, // deps: survive
///     seen: u32,        // state: does not
/// }
/// impl Actor for Consumer {
///     type Context = Context<Self>;
/// }
/// impl Supervised for Consumer {
///     fn restarting(&mut self, _: &mut Context<Self>) {
///         self.seen = 0;
///     }
/// }
///
/// # actix::System::new().block_on(async {
/// let mut tree = TreeBuilder::new("worker", Strategy::OneForOne, Policy::default());
/// let consumer: Addr<Consumer> =
///     tree.child(ChildSpec::new("consumer", Restart::Permanent), |life| Consumer { life, seen: 0 });
/// let mut ending = tree.ending();
/// let supervisor = tree.start();
///
/// let status = supervisor.send(Status).await.expect("the supervisor answers");
/// assert_eq!(status.children[0].name, "consumer");
/// let report = supervisor.send(Shutdown).await.expect("the supervisor answers");
/// assert!(report.is_clean() && !consumer.connected());
/// # let _ = ending.wait().await;
/// # });
/// ```
pub struct TreeBuilder {
    name: String,
    strategy: Strategy,
    policy: Policy,
    fault_injection: bool,
    probe_every: Duration,
    context: Context<Supervisor>,
    declared: Vec<Declared>,
    groups: Vec<(usize, Children)>,
    arbiters: Arbiters,
    end: watch::Sender<Option<TreeEnd>>,
}

struct Declared {
    slot: Slot,
    placement: Placement,
    orders: mpsc::UnboundedReceiver<Order>,
    create: Create,
}

/// Creates the actor and its task, on the thread on which they will live.
type Create = Box<dyn FnOnce(Birth) + Send>;

/// Everything a child needs on the thread on which it will live.
struct Birth {
    cell: Arc<ChildCell>,
    orders: mpsc::UnboundedReceiver<Order>,
    position: usize,
    events: mpsc::UnboundedSender<Event>,
    respawns: Arc<Semaphore>,
    predecessor: Option<oneshot::Receiver<()>>,
    begun: oneshot::Sender<()>,
}

impl TreeBuilder {
    /// Begins a tree. `policy` is that of every child that has none of its own.
    pub fn new(name: impl Into<String>, strategy: Strategy, policy: Policy) -> Self {
        Self {
            name: name.into(),
            strategy,
            policy,
            fault_injection: false,
            probe_every: Duration::from_secs(5),
            context: Context::new(),
            declared: Vec::new(),
            groups: Vec::new(),
            arbiters: Arbiters::default(),
            end: watch::Sender::new(None),
        }
    }

    /// Makes the tree's own arbiters share this runtime. Without it each of them has a single-threaded runtime of its own, and sockets and
    /// pools opened on one must not be used on another. Call it before the first child.
    pub fn runtime(mut self, runtime: Arc<Runtime>) -> Self {
        self.arbiters.share(runtime);
        self
    }

    /// Allows [`Crash`](crate::Crash). For tests; a production tree leaves it off, and the supervisor then refuses.
    pub fn fault_injection(mut self, allowed: bool) -> Self {
        self.fault_injection = allowed;
        self
    }

    /// Sets how often the watchdog looks at every child; zero turns it off. A child that leaves two probes in a row unanswered is stuck, so
    /// this is also the time for which an actor may wait exclusively. 5 s unless said otherwise.
    pub fn probe_every(mut self, every: Duration) -> Self {
        self.probe_every = every;
        self
    }

    /// Returns the address of the supervisor that will be. Children keep it [downgraded](Addr::downgrade): the address is what keeps the
    /// tree alive.
    pub fn supervisor(&self) -> Addr<Supervisor> {
        self.context.address()
    }

    /// Returns what resolves when the tree is down.
    pub fn ending(&self) -> Ending {
        Ending { end: self.end.subscribe() }
    }

    /// Returns the arbiter of this tree with this name, starting its thread when it is new.
    ///
    /// # Panics
    /// Outside of an actix system, or when no thread can be started.
    pub fn arbiter(&mut self, name: &'static str) -> ArbiterHandle {
        self.arbiters.get(name)
    }

    /// Declares a group of temporary children. It appears in [`TreeStatus`](crate::TreeStatus), its children can be crashed by name, and at
    /// shutdown what is left of it is aborted right after the children declared behind it are down.
    pub fn group(&mut self, name: impl Into<String>) -> Children {
        let group = Children::new(name);
        self.groups.push((self.declared.len(), group.clone()));
        group
    }

    /// Declares the next child and returns its address, which is good for the life of the tree.
    ///
    /// The factory runs once, at [`start`](Self::start), on the thread of the child. A new life is not a new value:
    /// [`Supervised::restarting`] has to replace everything that a panic may have left half done. Names should be unique in a tree: asking by
    /// name finds the first.
    ///
    /// # Panics
    /// When the placement needs a new arbiter: as [`arbiter`](Self::arbiter).
    pub fn child<A, F>(&mut self, spec: ChildSpec<A>, factory: F) -> Addr<A>
    where
        A: Actor<Context = Context<A>> + Supervised,
        F: FnOnce(Life<A>) -> A + Send + 'static,
    {
        let ChildSpec { name, restart, stop, placement, policy, drain } = spec;
        if let Placement::OwnArbiter(arbiter) = &placement {
            self.arbiters.get(arbiter);
        }
        // The queue exists from now on: what is sent before the start is handled after it.
        let (sender, mailbox) = channel::<A>(16);
        let create = Box::new(move |birth: Birth| birth.run(Context::with_receiver(mailbox), factory, drain));
        let (handle, orders) = ChildHandle::new(ChildCell::new(&name, restart));
        let policy = policy.unwrap_or(self.policy);
        let slot = Slot { handle, restart, stop, policy, history: History::default(), life: 0, up: true };
        self.declared.push(Declared { slot, placement, orders, create });
        Addr::new(sender)
    }

    /// Starts the children in the order of their declaration, each after `started` of the one before, and returns their supervisor.
    ///
    /// # Panics
    /// Outside of an actix system.
    pub fn start(mut self) -> Addr<Supervisor> {
        let born = Instant::now();
        let (events, received_events) = mpsc::unbounded_channel();
        let (commands, received_commands) = mpsc::unbounded_channel();
        let respawns = Arc::new(Semaphore::new(SIMULTANEOUS_RESPAWNS));
        let mut predecessor = None;
        let mut slots = Vec::with_capacity(self.declared.len());
        for (position, declared) in self.declared.into_iter().enumerate() {
            let Declared { slot, placement, orders, create } = declared;
            let (begun, next) = oneshot::channel();
            let birth = Birth {
                cell: slot.handle.cell.clone(),
                orders,
                position,
                events: events.clone(),
                respawns: respawns.clone(),
                predecessor: predecessor.replace(next),
                begun,
            };
            match placement {
                Placement::Here => create(birth),
                Placement::OwnArbiter(name) => {
                    self.arbiters.get(name).spawn_fn(move || create(birth));
                }
            }
            slots.push(slot);
        }
        let children: Vec<ChildHandle> = slots.iter().map(|slot| slot.handle.clone()).collect();
        let watchdog = (!self.probe_every.is_zero()).then(|| {
            let watched = |child: &ChildHandle| Watched { cell: child.cell.clone(), orders: child.orders.downgrade() };
            let watched = children.iter().map(watched).collect();
            tokio::spawn(watch(self.probe_every, watched, events.downgrade())).abort_handle()
        });
        let supervisor = Supervisor {
            name: self.name.clone(),
            strategy: self.strategy,
            born,
            children,
            groups: self.groups.iter().map(|(_, group)| group.clone()).collect(),
            commands,
            watchdog,
            fault_injection: self.fault_injection,
        };
        let brain = Brain {
            name: self.name,
            strategy: self.strategy,
            slots,
            groups: self.groups,
            arbiters: self.arbiters,
            events: received_events,
            commands: received_commands,
            end: self.end,
            born,
            report: None,
        };
        tokio::spawn(brain.run());
        self.context.run(supervisor)
    }
}

impl Birth {
    fn run<A, F>(self, context: Context<A>, factory: F, drain: Option<fn(&Addr<A>)>)
    where
        A: Actor<Context = Context<A>> + Supervised,
        F: FnOnce(Life<A>) -> A,
    {
        let Self { cell, orders, position, events, respawns, predecessor, begun } = self;
        let life = Life::new(cell.name.clone());
        match caught(&cell.name, || factory(life.clone())) {
            Err(message) => {
                let _ = events.send(Event::Stillborn { position, exit: Exit::Panicked(message) });
            }
            Ok(actor) => {
                let body = Body::supervised(context, actor, life, cell.name.clone(), drain);
                let report = Report::Tree { position, events };
                let phase = Phase::Waiting { life: 0, gate: ChildTask::<A>::first_gate(predecessor), begun };
                actix_rt::spawn(ChildTask { body, cell, orders, report, respawns, phase });
            }
        }
    }
}
