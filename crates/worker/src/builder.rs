//! Puts a worker together and starts it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::Recipient;
use attune_artifacts::Place;
use attune_config::OutputPolicy;
use attune_pack::{Library, Shelf};
use attune_process::limits::Support;
use attune_process::sandbox::probe;
use attune_process::{Launcher, LauncherProgram, OutputLimits};
use attune_queue::{ConsumeOptions, ConsumerLink, Queue};
use attune_runtime::Registry;
use attune_secret::IncarnationKey;
use attune_store::{Registered, Registration as Announcement, Store};
use attune_supervise::TreeBuilder;
use attune_types::{Capabilities, RuntimeSpec};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::Instant;

use crate::artifacts::{ArtifactStore, StoreArtifacts};
use crate::environments::{Environments, PackPreparer, Preparer, StepRunner, Teller};
use crate::error::WorkerError;
use crate::execution::{Planner, WorkAreas, WorkerVariables};
use crate::executions::{Books, Spool, leftovers};
use crate::found_runtimes;
use crate::handle::WorkerHandle;
use crate::helper::{HelperPlaces, NoSecrets, SecretSource};
use crate::home::Home;
use crate::identity::{self, Identity};
use crate::limits;
use crate::mode::Mode;
use crate::notice::ExecutionNotice;
use crate::overseer::Overseer;
use crate::packs::Packs;
use crate::ports::{Extension, Ports};
use crate::pulse::{self, Pulse};
use crate::runtime_watch;
use crate::runtimes::{Look, Runtimes, Search};
use crate::sandbox::{Sandboxes, Surroundings};
use crate::settings::Settings;
use crate::succession::{is_successor, sweep};
use crate::tree::{self, Parts};

/// The pause between two tries to reach something at start.
const PAUSE: Duration = Duration::from_millis(500);

/// Puts a worker together: what it runs on, what it runs with, and what another crate adds to it.
pub struct WorkerBuilder {
    mode: Mode,
    settings: Settings,
    store: Option<Arc<dyn Store>>,
    queue: Option<Arc<dyn Queue>>,
    library: Option<Library>,
    registry: Option<Registry>,
    runtimes: Vec<RuntimeSpec>,
    artifacts: Option<Arc<dyn ArtifactStore>>,
    secrets: Arc<dyn SecretSource>,
    preparer: Option<Arc<dyn Preparer>>,
    extensions: Vec<Extension>,
    fault_injection: bool,
    launcher: Option<Launcher>,
}

impl WorkerBuilder {
    /// Begins a worker.
    #[must_use]
    pub fn new(mode: Mode, settings: Settings) -> Self {
        Self {
            mode,
            settings,
            store: None,
            queue: None,
            library: None,
            registry: None,
            runtimes: Vec::new(),
            artifacts: None,
            secrets: Arc::new(NoSecrets),
            preparer: None,
            extensions: Vec::new(),
            fault_injection: false,
            launcher: None,
        }
    }

    /// Where the truth is. Required; its schema must be up to date.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// What brings work. Required.
    #[must_use]
    pub fn queue(mut self, queue: Arc<dyn Queue>) -> Self {
        self.queue = Some(queue);
        self
    }

    /// Packs that were read already; otherwise those in [`Settings::pack_directories`] are.
    #[must_use]
    pub fn packs(mut self, library: Library) -> Self {
        self.library = Some(library);
        self
    }

    /// Interpreters that were found already; otherwise they are looked for at start.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// A runtime of another crate. It comes before one of the same name that a pack declares.
    #[must_use]
    pub fn runtime(mut self, runtime: RuntimeSpec) -> Self {
        self.runtimes.push(runtime);
        self
    }

    /// Where output and files go instead of the store.
    #[must_use]
    pub fn artifact_store(mut self, artifacts: Arc<dyn ArtifactStore>) -> Self {
        self.artifacts = Some(artifacts);
        self
    }

    /// Where secrets come from that actions ask for. By default there are none.
    #[must_use]
    pub fn secrets(mut self, secrets: Arc<dyn SecretSource>) -> Self {
        self.secrets = secrets;
        self
    }

    /// How environments of packs are made; otherwise by the recipes of their runtimes.
    #[must_use]
    pub fn preparer(mut self, preparer: Arc<dyn Preparer>) -> Self {
        self.preparer = Some(preparer);
        self
    }

    /// Sends every notice about executions to an actor that lives elsewhere.
    #[must_use]
    pub fn observer(self, observer: Recipient<ExecutionNotice>) -> Self {
        self.actor(move |_, ports| ports.observe(observer))
    }

    /// Adds actors to the tree. They are supervised like every other: started before, and stopped after, all that they
    /// can observe.
    #[must_use]
    pub fn actor(mut self, declare: impl FnOnce(&mut TreeBuilder, &mut Ports) + 'static) -> Self {
        self.extensions.push(Box::new(declare));
        self
    }

    /// What starts processes; otherwise this program is started again to be the launcher, which needs
    /// [`serve_as_launcher_if_asked`](attune_process::serve_as_launcher_if_asked) at the beginning of its `main`. The
    /// worker puts the launcher's fence off with every heartbeat, so workers cannot share one.
    #[must_use]
    pub fn launcher(mut self, launcher: Launcher) -> Self {
        self.launcher = Some(launcher);
        self
    }

    /// Lets tests break actors of the tree.
    #[must_use]
    pub fn fault_injection(mut self, allowed: bool) -> Self {
        self.fault_injection = allowed;
        self
    }

    /// Starts the worker: finds interpreters, ends what an earlier life left running, registers, connects, and grows
    /// the tree. Must be called inside an actix system.
    ///
    /// # Errors
    /// [`WorkerError`] when something it depends on does not answer within [`Settings::patience`], or cannot be used.
    pub async fn start(mut self) -> Result<WorkerHandle, WorkerError> {
        let store = self.store.take().ok_or(WorkerError::Missing { what: "store" })?;
        let queue = self.queue.take().ok_or(WorkerError::Missing { what: "queue" })?;
        let settings = self.settings.clone();
        settings.sandbox.check(probe())?;
        let launcher = match self.launcher.take() {
            Some(launcher) => launcher,
            None => Launcher::start(LauncherProgram::Own).map_err(WorkerError::Launcher)?,
        };
        let incarnation = identity::new_incarnation()?;
        let unusable = |path: PathBuf| move |source| WorkerError::Directory { path, source };
        let home =
            Home::enter(&settings.state_directory, incarnation).map_err(unusable(settings.state_directory.clone()))?;
        let spool = Spool::new(home.join("ends"));
        let areas = WorkAreas::open(home.join("work")).map_err(unusable(home.join("work")))?;
        let place = home.path().join("helper");
        let helper = HelperPlaces::make(place.clone(), &settings.helper_program).map_err(unusable(place))?;

        let packs = Packs::new(self.library.take().map_or_else(|| read_packs(&settings), Shelf::fixed));
        let library = packs.library();
        let runtimes = self.find_interpreters(&library, &launcher).await;
        let mut capabilities = capabilities(&settings, &runtimes.registry());
        let sealing_key =
            Arc::new(IncarnationKey::generate().map_err(|error| WorkerError::Random { reason: error.to_string() })?);
        capabilities.sealing_key = Some(sealing_key.public().to_string());
        let is_swept = sweep(&home.path(), incarnation).await;
        let ends = spool.read().map_err(unusable(home.join("ends")))?;
        // Before registering: the store settles what an earlier life held as lost, unless its end is known by then.
        let left = leftovers::offer_until(&store, &spool, ends, settings.patience).await;

        let announcement = Announcement {
            name: settings.name.clone(),
            worker_type: settings.worker_type.clone(),
            host: settings.host.clone(),
            incarnation,
            capabilities: capabilities.clone(),
            previous_is_dead: is_swept
                && left.is_empty()
                && is_successor(&store, &home, &settings.name, settings.patience).await,
            lease_ms: i64::try_from(settings.lease.as_millis()).unwrap_or(i64::MAX),
        };
        let registered = register(&store, announcement.clone(), &home, settings.patience).await?;
        if let Err(error) = home.forget_earlier_lives() {
            tracing::debug!(error = &error as &dyn std::error::Error, "the list of earlier lives stays as it is");
        }
        let identity = Identity { id: registered.id, incarnation };
        let link = consume(&queue, identity, &settings).await?;

        let sandboxes =
            Sandboxes::new(settings.sandbox.clone(), surroundings(&settings, &library, &helper, &runtimes.registry()));
        let books = Arc::new(Books::default());
        let pulse = Arc::new(Pulse::now(launcher.fence(), settings.fence));
        let (orders, received_orders) = mpsc::unbounded_channel();
        let keeps_output_elsewhere = self.artifacts.is_some();
        let artifacts = match self.artifacts.take() {
            Some(artifacts) => artifacts,
            None => kept_files(&settings, &home, &store)?,
        };
        let limits = |max_bytes| match settings.output_policy {
            OutputPolicy::Stop => OutputLimits::of(max_bytes).stopping(),
            OutputPolicy::Truncate | OutputPolicy::Fail => OutputLimits::of(max_bytes),
        };
        let planner = Arc::new(Planner {
            artifacts: Arc::clone(&artifacts),
            harvest: settings.harvest,
            fails_over_limit: settings.output_policy == OutputPolicy::Fail,
            held: (!settings.stream_logs).then(|| home.join("held")),
            runtimes,
            areas,
            helper,
            child_environment: settings.child_environment.clone(),
            sandboxes,
            variables: WorkerVariables {
                worker: settings.name.clone(),
                home: home.path(),
                incarnation,
                api_url: settings.api_url.clone(),
            },
            grace: settings.grace,
            stdout: limits(settings.max_stdout_bytes),
            stderr: limits(settings.max_stderr_bytes),
            packs,
        });
        tokio::spawn(found_runtimes::tell(Arc::clone(&store), planner.runtimes.registry()));
        let teller = Teller::start(Arc::clone(&store), identity.id);
        let preparer =
            self.preparer.take().unwrap_or_else(|| preparer_of(&settings, &planner, &launcher, teller.clone()));
        let environments = Arc::new(Environments::new(preparer));
        let tree = tree::grow(Parts {
            mode: self.mode,
            settings: settings.clone(),
            identity,
            announcement,
            keeps_output_elsewhere,
            artifacts,
            secrets: Arc::clone(&self.secrets),
            sealing_key,
            missing_environments: environments.survey(&library).missing,
            environments,
            teller: teller.clone(),
            planner,
            launcher,
            store: Arc::clone(&store),
            link: Arc::clone(&link),
            home,
            spool: spool.clone(),
            books: Arc::clone(&books),
            pulse: Arc::clone(&pulse),
            orders: orders.clone(),
            extensions: std::mem::take(&mut self.extensions),
            fault_injection: self.fault_injection,
        });
        tokio::spawn(pulse::guard(Arc::clone(&pulse), Arc::downgrade(&books), settings.fence));
        if !left.is_empty() {
            tokio::spawn(leftovers::offer_all(store, spool, left));
        }
        let (stopped, stop) = watch::channel(None);
        let overseer = Overseer {
            supervisor: tree.supervisor.clone(),
            executions: tree.executions,
            books: Arc::clone(&books),
            orders: received_orders,
            ending: tree.ending,
            stopped,
        };
        tokio::spawn(overseer.run());
        tracing::info!(worker.name = %settings.name, worker.id = %identity.id, slots = settings.slots, runtimes = capabilities.runtimes.join(","), "worker started");
        let (name, preparation) = (settings.name, teller.preparation().subscribe());
        let supervisor = tree.supervisor;
        Ok(WorkerHandle::new(name, identity, capabilities, supervisor, orders, stop, link, books, preparation, pulse))
    }

    async fn find_interpreters(&mut self, library: &Arc<Library>, launcher: &Launcher) -> Runtimes {
        if let Some(registry) = self.registry.take() {
            return Runtimes::fixed(registry);
        }
        let search = Search {
            own: std::mem::take(&mut self.runtimes),
            hints: self.settings.runtime_hints.clone(),
            path: self.settings.child_environment.get("PATH").unwrap_or_default().to_owned(),
            wanted: self.settings.runtimes.clone().unwrap_or_default(),
        };
        let look = Look::first(&search, library);
        let found = attune_runtime::detect(&look.options, launcher).await;
        for warning in &found.warnings {
            tracing::warn!("{warning}");
        }
        Runtimes::found(search, Arc::clone(library), look, found)
    }
}

/// Where files of executions go when nobody said otherwise.
fn kept_files(settings: &Settings, home: &Home, store: &Arc<dyn Store>) -> Result<Arc<dyn ArtifactStore>, WorkerError> {
    let place = Place::of(settings.bucket.as_ref(), &settings.artifacts_directory).map_err(WorkerError::Artifacts)?;
    let kept = StoreArtifacts::new(Arc::clone(store));
    Ok(Arc::new(kept.keeping_files(place, settings.name.clone(), home.join("unnoted"))))
}

fn read_packs(settings: &Settings) -> Shelf {
    let shelf = Shelf::open(&settings.pack_directories);
    for error in shelf.library().broken() {
        tracing::warn!(error = error as &dyn std::error::Error, "pack cannot be used");
    }
    shelf
}

fn capabilities(settings: &Settings, registry: &Registry) -> Capabilities {
    let mut capabilities = Capabilities {
        max_concurrent_executions: settings.slots,
        container_version: crate::version::version().to_owned(),
        labels: settings.labels.clone(),
        ..Capabilities::default()
    };
    registry.describe(&mut capabilities);
    let support = Support::of_this_process();
    for note in support.notes() {
        tracing::info!(note, "limits of executions");
    }
    capabilities.limits = limits::enforced(support);
    capabilities.sandbox_level = probe().level().number();
    if let Some(why) = probe().why_not_higher() {
        tracing::info!(level = capabilities.sandbox_level, why, "sandbox of executions");
    }
    capabilities
}

/// What lies where, for the sandboxes of what this worker runs.
fn surroundings(settings: &Settings, library: &Library, helper: &HelperPlaces, registry: &Registry) -> Surroundings {
    let temporary = settings.child_environment.get("TMPDIR").map_or_else(|| "/tmp".into(), PathBuf::from);
    let packs = library.packs().filter_map(|pack| library.pack_dir(&pack.spec.pack_ref)).map(Path::to_path_buf);
    let groups = Support::of_this_process().control_directories().to_vec();
    let kept = [settings.environments_directory.clone(), helper.directory().to_owned()];
    Surroundings {
        hidden: vec![settings.state_directory.clone(), settings.artifacts_directory.clone()],
        // Whoever may write to control groups can leave the one that limits it.
        read_only: library.searched().iter().cloned().chain(packs).chain(kept).chain(groups).collect(),
        programs: runtime_watch::programs(registry),
        helper: helper.program().map(Path::to_path_buf),
        own_program: std::env::current_exe().ok(),
        temporary,
    }
}

/// Makes environments by the recipes of runtimes.
fn preparer_of(settings: &Settings, planner: &Arc<Planner>, launcher: &Launcher, teller: Teller) -> Arc<dyn Preparer> {
    Arc::new(PackPreparer {
        planner: Arc::clone(planner),
        runner: StepRunner {
            launcher: launcher.clone(),
            base: settings.child_environment.clone(),
            settings: settings.tool_settings.clone(),
            timeout: settings.environment_step_time,
        },
        volume: std::path::absolute(&settings.environments_directory)
            .unwrap_or_else(|_| settings.environments_directory.clone()),
        worker: settings.name.clone(),
        teller,
        at_once: Semaphore::new(settings.environment_builds.max(1)),
        proved: Mutex::default(),
    })
}

async fn register(
    store: &Arc<dyn Store>,
    mut announcement: Announcement,
    home: &Home,
    patience: Duration,
) -> Result<Registered, WorkerError> {
    let deadline = Instant::now() + patience;
    loop {
        match store.register_worker(&announcement).await {
            Ok(registered) => {
                if let Some(replaced) = registered.replaced {
                    let settled = registered.settled.len();
                    tracing::info!(%replaced, settled, "this worker takes over from an earlier life");
                }
                return Ok(registered);
            }
            Err(error) if error.is_passing() && Instant::now() < deadline => {
                tracing::warn!(error = &error as &dyn std::error::Error, "waiting for the database");
                tokio::time::sleep(PAUSE).await;
                // It may have been done, and its answer lost. Whoever took the name since is alive: the evidence is about
                // this worker's own earlier life, so it is good only as long as that still has the name.
                announcement.previous_is_dead &=
                    is_successor(store, home, &announcement.name, deadline - Instant::now()).await;
            }
            Err(source) => return Err(WorkerError::Store { doing: "registering", source }),
        }
    }
}

async fn consume(
    queue: &Arc<dyn Queue>,
    identity: Identity,
    settings: &Settings,
) -> Result<Arc<dyn ConsumerLink>, WorkerError> {
    let deadline = Instant::now() + settings.patience;
    loop {
        // As many as a scheduler gives at most: what runs, and five times as many for a worker that ends them quickly.
        let prefetch = u16::try_from(settings.slots.saturating_mul(6)).unwrap_or(u16::MAX);
        let options = ConsumeOptions { worker: identity.id, worker_name: settings.name.clone(), prefetch };
        match queue.consume(options).await {
            Ok(link) => return Ok(link),
            Err(error) if Instant::now() < deadline => {
                tracing::warn!(error = &error as &dyn std::error::Error, "waiting for the broker");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(WorkerError::Queue { doing: "consuming", source: Box::new(error) }),
        }
    }
}
