//! The tree of a worker: every actor, in the order in which they start. They stop in reverse, which is all there is to
//! draining: the Consumer stops first, then what it feeds, and the Registration takes its leave when all is quiet.
//!
//! | # | child | eager in a worker | eager in an agent | stop |
//! |---|---|---|---|---|
//! | - | extensions | yes | yes | as they say |
//! | 1 | registration | yes | yes | leaves |
//! | 2 | heartbeat | yes | yes | at once: nothing is held any more |
//! | 3 | artifact-sink | yes | on first output | flushes |
//! | 4 | env-setup | all packs | on first use | - |
//! | 5 | runtime-watch | yes | yes | - |
//! | 6 | executions | yes | yes | hands back, waits, stops what runs |
//! | - | executors | one per execution | the same | with executions |
//! | 7 | consumer | yes | yes | closes the link |
//!
//! Extensions are declared first: they are there before anything they could observe and go after it. This file is the
//! only one that reads [`Mode`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use actix::Addr;
use attune_process::Launcher;
use attune_queue::ConsumerLink;
use attune_secret::IncarnationKey;
use attune_store::{GroupCommit, Registration as Announcement, Store};
use attune_supervise::{ChildSpec, Ending, Placement, Policy, Restart, Stop, Strategy, Supervisor, TreeBuilder};
use tokio::sync::mpsc;

use crate::artifacts::artifact_sink::FLUSH_TIME;
use crate::artifacts::{ArtifactSink, ArtifactSinkDeps, ArtifactStore, LogPort};
use crate::consumer::{Consumer, ConsumerDeps};
use crate::environments::{EnvSetup, EnvSetupDeps, EnvironmentKey, Environments, Teller};
use crate::execution::{ExecutorDeps, Planner};
use crate::executions::{Books, Claims, Executions, ExecutionsDeps, Finisher, Spool};
use crate::heartbeat::{Heartbeat, HeartbeatDeps};
use crate::helper::SecretSource;
use crate::home::Home;
use crate::identity::Identity;
use crate::io_runtime::IoRuntime;
use crate::mode::Mode;
use crate::overseer::Order;
use crate::ports::{Extension, Ports};
use crate::pulse::Pulse;
use crate::registration::{Registration, RegistrationDeps};
use crate::runtime_watch::{RuntimeWatch, RuntimeWatchDeps};
use crate::settings::Settings;

/// How many claims or ends may share one commit.
const MOST_IN_ONE_COMMIT: usize = 128;
/// A slot waits for its claim, so claims gather for a shorter time than ends do.
const GATHER_CLAIMS: Duration = Duration::from_millis(1);
/// What a stop may take beyond the time that its actor gives itself.
const MARGIN: Duration = Duration::from_secs(2);

/// What the tree is made of.
pub(crate) struct Parts {
    pub(crate) mode: Mode,
    pub(crate) settings: Settings,
    pub(crate) identity: Identity,
    pub(crate) announcement: Announcement,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) link: Arc<dyn ConsumerLink>,
    pub(crate) artifacts: Arc<dyn ArtifactStore>,
    pub(crate) secrets: Arc<dyn SecretSource>,
    pub(crate) sealing_key: Arc<IncarnationKey>,
    pub(crate) keeps_output_elsewhere: bool,
    pub(crate) environments: Arc<Environments>,
    /// What packs need and is not ready.
    pub(crate) missing_environments: Vec<EnvironmentKey>,
    pub(crate) teller: Teller,
    pub(crate) planner: Arc<Planner>,
    pub(crate) launcher: Launcher,
    pub(crate) home: Home,
    pub(crate) spool: Spool,
    pub(crate) books: Arc<Books>,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) orders: mpsc::UnboundedSender<Order>,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) fault_injection: bool,
}

/// A tree that runs.
pub(crate) struct Tree {
    pub(crate) supervisor: Addr<Supervisor>,
    pub(crate) executions: Addr<Executions>,
    pub(crate) ending: Ending,
}

/// Addresses that somebody earlier in the tree needs of somebody later. All are set before anything starts.
#[derive(Clone, Default)]
struct Later {
    executions: Arc<OnceLock<Addr<Executions>>>,
    consumer: Arc<OnceLock<Addr<Consumer>>>,
}

impl Later {
    fn executions(&self) -> Addr<Executions> {
        self.executions.get().cloned().expect("factories run after every child was declared")
    }

    fn consumer(&self) -> Addr<Consumer> {
        self.consumer.get().cloned().expect("factories run after every child was declared")
    }
}

/// Declares and starts the tree. Must be called inside an actix system.
pub(crate) fn grow(parts: Parts) -> Tree {
    let Parts { mode, settings, identity, announcement, store, link, artifacts, secrets, sealing_key, .. } = parts;
    let (environments, planner, books) = (parts.environments, parts.planner, parts.books);
    let launcher = parts.launcher;
    // A full worker prepares everything before it takes work; an agent prepares what is asked of it.
    let is_eager = match mode {
        Mode::Worker => true,
        Mode::Agent => false,
    };
    let io = IoRuntime::current();
    let later = Later::default();
    if is_eager {
        parts.teller.preparation().send_modify(|preparation| preparation.wanted = parts.missing_environments.len());
    }
    let mut tree =
        TreeBuilder::new("worker", Strategy::OneForOne, Policy::default()).fault_injection(parts.fault_injection);
    let ending = tree.ending();
    let supervisor = tree.supervisor().downgrade();

    let mut ports = Ports::new(settings.name.clone(), parts.home.join("extensions"));
    for extension in parts.extensions {
        extension(&mut tree, &mut ports);
    }
    let observers: Arc<[_]> = ports.observers.into();

    let registration = RegistrationDeps { identity, announcement, store: Arc::clone(&store) };
    let registration = tree.child(
        ChildSpec::new("registration", Restart::Permanent).stop(Stop::Drain(MARGIN * 2)).drain_by_message(),
        move |life| Registration::new(registration, life),
    );

    let heartbeat = {
        let (later, store, io, books) = (later.clone(), Arc::clone(&store), io.clone(), Arc::clone(&books));
        let (every, lease, pulse, orders) = (settings.heartbeat, settings.lease, parts.pulse, parts.orders);
        let preparation = parts.teller.preparation().subscribe();
        let directory = parts.home.path();
        tree.child(
            ChildSpec::new("heartbeat", Restart::Permanent).stop(Stop::Brutal).on(Placement::OwnArbiter("beat")),
            move |life| {
                let executions = later.executions();
                let deps = HeartbeatDeps {
                    identity,
                    store,
                    io,
                    every,
                    lease,
                    books,
                    pulse,
                    supervisor,
                    executions,
                    orders,
                    directory,
                    preparation,
                };
                Heartbeat::new(deps, life)
            },
        )
    };

    let (port, log_orders) = LogPort::new(parts.keeps_output_elsewhere);
    let sink = ArtifactSinkDeps {
        io: io.clone(),
        store: Arc::clone(&artifacts),
        directory: parts.home.join("output"),
        held: parts.home.join("held"),
        port: port.clone(),
        orders: Arc::new(tokio::sync::Mutex::new(log_orders)),
        eager: is_eager,
    };
    tree.child(
        ChildSpec::new("artifact-sink", Restart::Permanent)
            .stop(Stop::Drain(FLUSH_TIME + MARGIN))
            .on(Placement::OwnArbiter("artifacts"))
            .drain_by_message(),
        move |life| ArtifactSink::new(sink, life),
    );

    let at_start = if is_eager { parts.missing_environments } else { Vec::new() };
    let env_setup = EnvSetupDeps {
        environments: Arc::clone(&environments),
        planner: Arc::clone(&planner),
        io: io.clone(),
        at_start,
        is_eager,
        teller: parts.teller,
        beat_now: heartbeat.clone().recipient(),
    };
    let env_setup =
        tree.child(ChildSpec::new("env-setup", Restart::Permanent), move |life| EnvSetup::new(env_setup, life));

    let runtime_watch = RuntimeWatchDeps {
        planner: Arc::clone(&planner),
        launcher: launcher.clone(),
        store: Arc::clone(&store),
        io: io.clone(),
        offers: registration.recipient(),
    };
    tree.child(ChildSpec::new("runtime-watch", Restart::Permanent), move |life| RuntimeWatch::new(runtime_watch, life));

    let executors = tree.group("executors");
    let executions = {
        let (later, books, link_store) = (later.clone(), Arc::clone(&books), Arc::clone(&store));
        let (home, spool) = (parts.home, parts.spool);
        let incarnation = identity.incarnation;
        let lease_ms = i64::try_from(settings.lease.as_millis()).unwrap_or(i64::MAX);
        let claiming = {
            let store = Arc::clone(&store);
            GroupCommit::gathering(MOST_IN_ONE_COMMIT, GATHER_CLAIMS, move |requests| {
                let store = Arc::clone(&store);
                async move { store.claim(incarnation, requests).await }
            })
        };
        let completing = {
            let store = Arc::clone(&store);
            GroupCommit::new(MOST_IN_ONE_COMMIT, move |completions| {
                let store = Arc::clone(&store);
                async move { store.complete(completions).await }
            })
        };
        let (slots, drain) = (settings.slots.max(1) as usize, settings.drain);
        tree.child(
            ChildSpec::new("executions", Restart::Permanent)
                .stop(Stop::Drain(drain + settings.grace + MARGIN))
                .drain_by_message(),
            move |life| {
                let address = later.executions();
                let finisher = Finisher {
                    group: completing,
                    store: Arc::clone(&link_store),
                    identity,
                    spool,
                    books: Arc::clone(&books),
                    proceed: address.clone().recipient(),
                    observers: Arc::clone(&observers),
                };
                let claims = Claims {
                    group: claiming,
                    books: Arc::clone(&books),
                    acknowledge: later.consumer().recipient(),
                    executions: address,
                    lease_ms,
                    fence: settings.fence,
                };
                let executor_deps = Arc::new(ExecutorDeps {
                    incarnation,
                    store: link_store,
                    books: Arc::clone(&books),
                    finisher: finisher.clone(),
                    environments: Arc::clone(&environments),
                    env_setup: env_setup.recipient(),
                    planner,
                    launcher,
                    port,
                    artifacts,
                    secrets,
                    sealing_key,
                    observers,
                });
                let addresses = Arc::new(Mutex::new(HashMap::new()));
                let deps = ExecutionsDeps {
                    slots,
                    drain,
                    books,
                    claims,
                    finisher,
                    environments,
                    executors,
                    executor_deps,
                    addresses,
                    _home: home,
                };
                Executions::new(deps, life)
            },
        )
    };

    let consumer = ConsumerDeps {
        identity,
        link,
        books,
        offers: executions.clone().recipient(),
        stop_taking: executions.clone().recipient(),
        beat_now: heartbeat.recipient(),
    };
    let consumer = tree.child(
        ChildSpec::new("consumer", Restart::Permanent).stop(Stop::Drain(MARGIN * 3)).drain_by_message(),
        move |life| Consumer::new(consumer, life),
    );

    // Nothing has started, so nobody can have set them before.
    let _first = later.executions.set(executions.clone());
    let _first = later.consumer.set(consumer);
    Tree { supervisor: tree.start(), executions, ending }
}
