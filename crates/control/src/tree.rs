//! The supervision tree of the control plane: top to bottom is the start order, bottom to top the stop order.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use attune_artifacts::Place;
use attune_pack::Shelf;
use attune_queue::Queue;
use attune_store::{GroupCommit, ReaperPolicy, RetentionPolicy, Store};
use attune_supervise::{ChildSpec, Ending, Policy, Restart, Stop, Strategy, Supervisor, TreeBuilder};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use crate::agents::AgentShelf;
use crate::api::{
    ApiLimits, ApiServer, ApiState, Catalogue, Desk, Gatekeeper, Limiter, MOST_FOLLOWERS, MOST_WAITING, TokenCheck,
};
use crate::auditor::{Auditor, AuditorDeps};
use crate::bell::{Bell, BellDeps};
use crate::packs::{Packs, PacksDeps};
use crate::reaper::{Reaper, ReaperDeps};
use crate::relay::{Relay, RelayDeps};
use crate::retention::{Retention, RetentionDeps};
use crate::scheduler::{PlacementPolicy, Scheduler, SchedulerDeps};
use crate::secrets::Vault;
use crate::ticks::Ticks;
use crate::waiters::Waiters;

/// The most submissions that share a commit.
const MOST_IN_A_COMMIT: usize = 256;

/// How long the API has to finish its requests; longer than it gives itself.
const API_GRACE: Duration = Duration::from_secs(12);

/// Everything the tree is made of.
pub(crate) struct Parts {
    /// The packs whose changes are followed.
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) queue: Arc<dyn Queue>,
    /// Absent: no API.
    pub(crate) listener: Option<TcpListener>,
    pub(crate) token: Option<String>,
    pub(crate) limits: ApiLimits,
    pub(crate) timing: ReaperPolicy,
    pub(crate) placement: PlacementPolicy,
    pub(crate) retention: RetentionPolicy,
    /// Where files of executions are kept; absent: out of reach.
    pub(crate) place: Option<Place>,
    /// The agents that are given out; absent: none are.
    pub(crate) agents: Option<Arc<AgentShelf>>,
    /// The keys of secrets; absent: none are given out.
    pub(crate) vault: Option<Arc<Vault>>,
    pub(crate) ticks: Ticks,
    pub(crate) threads: usize,
    pub(crate) fault_injection: bool,
}

/// Starts the tree.
pub(crate) fn start(parts: Parts) -> (Addr<Supervisor>, Ending) {
    let Parts {
        shelf,
        store,
        queue,
        listener,
        token,
        limits,
        timing,
        placement,
        retention,
        place,
        agents,
        vault,
        ticks,
        threads,
        fault_injection,
    } = parts;
    let waiters = Waiters::default();
    let mut tree = TreeBuilder::new("control", Strategy::OneForOne, Policy::default()).fault_injection(fault_injection);

    let deps = RelayDeps {
        store: Arc::clone(&store),
        queue: Arc::clone(&queue),
        hold_ms: timing.outbox_hold_ms,
        tick: ticks.relay,
    };
    let relay = tree.child(ChildSpec::new("relay", Restart::Permanent), move |life| Relay::new(deps, life));

    let deps = SchedulerDeps {
        store: Arc::clone(&store),
        relay: relay.clone().recipient(),
        placement,
        timing,
        vault: vault.clone(),
        tick: ticks.scheduler,
    };
    let scheduler = tree.child(ChildSpec::new("scheduler", Restart::Permanent), move |life| Scheduler::new(deps, life));

    let deps = ReaperDeps { store: Arc::clone(&store), timing, tick: ticks.reaper };
    tree.child(ChildSpec::new("reaper", Restart::Permanent), move |life| Reaper::new(deps, life));

    let deps = RetentionDeps { store: Arc::clone(&store), policy: retention };
    tree.child(ChildSpec::new("retention", Restart::Permanent), move |life| Retention::new(deps, life));

    let deps = PacksDeps { store: Arc::clone(&store), shelf };
    tree.child(ChildSpec::new("packs", Restart::Permanent), move |life| Packs::new(deps, life));

    let deps = BellDeps {
        store: Arc::clone(&store),
        scheduler: scheduler.recipient(),
        relay: relay.recipient(),
        waiters: waiters.clone(),
    };
    tree.child(ChildSpec::new("bell", Restart::Permanent), move |life| Bell::new(deps, life));

    let ending = tree.ending();
    let Some(listener) = listener else { return (tree.start(), ending) };
    let deps = AuditorDeps { store: Arc::clone(&store) };
    let auditor = tree.child(ChildSpec::new("auditor", Restart::Permanent), move |life| Auditor::new(deps, life));
    let (stop, stopping) = watch::channel(false);
    let committing = Arc::clone(&store);
    let state = ApiState {
        submits: GroupCommit::new(MOST_IN_A_COMMIT, move |requests| {
            let store = Arc::clone(&committing);
            async move { store.submit(requests).await }
        }),
        store,
        queue,
        catalogue: Arc::new(Catalogue::default()),
        waiters,
        gatekeeper: Gatekeeper::new(token.as_deref().map(TokenCheck::new)),
        limiter: Limiter::new(limits),
        desk: Desk(auditor.recipient()),
        place: place.map(Arc::new),
        agents,
        vault,
        runtime: Handle::current(),
        stopping,
        followers: Arc::new(Semaphore::new(MOST_FOLLOWERS)),
        waiting: Arc::new(Semaphore::new(MOST_WAITING)),
        tree: tree.supervisor().downgrade(),
    };
    let api = ChildSpec::new("api", Restart::Permanent).stop(Stop::Drain(API_GRACE)).drain_by_message();
    tree.child(api, move |life| ApiServer::new(state, listener, stop, threads, life));
    (tree.start(), ending)
}
