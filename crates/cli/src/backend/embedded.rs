//! The whole product inside this process: SQLite in memory, the in-process queue, the real control plane without its API,
//! and the real worker.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use attune_control::{Control, ControlHandle, Vault, VaultError};
use attune_pack::{Overrides, Shelf, execution_spec, inline_spec};
use attune_process::{Launcher, LauncherProgram};
use attune_queue::{MemoryQueue, Queue};
use attune_runtime::{DetectOptions, Registry, with_builtin};
use attune_secret::Keyring;
use attune_store::{NewExecution, OpenOptions, Store, StoreError, Wake};
use attune_types::{ActionRef, ActionSpec, Capabilities, ExecutionId, Requirement, RuntimeSpec};
use attune_worker::{Mode, SandboxSettings, Settings, WorkerBuilder, WorkerHandle};
use tokio::sync::broadcast::Receiver;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Backend, Followed, Local, Request, What};
use crate::dev::{self, DEFAULT_DIRECTORY, TemporaryDirectory};
use crate::error::CliError;

/// How long a follower goes without looking when no wake-up comes.
const LOOK: Duration = Duration::from_millis(500);

/// How many log pieces are read at once.
const PIECES: u32 = 256;

/// What an embedded worker must be able to do.
#[derive(Debug, Clone)]
pub(crate) enum Need {
    /// Run this one execution: nothing else is looked for, and as little as possible is run before it.
    One(Requirement),
    /// Run whatever can be run here.
    Everything {
        /// How many executions run at once.
        slots: u32,
    },
}

/// Starts the parts when the first request is submitted, because only then is it known which runtime is needed.
pub(crate) struct Embedded {
    local: Local,
    parts: Option<Parts>,
}

struct Parts {
    store: Arc<dyn Store>,
    vault: Arc<Vault>,
    control: Arc<ControlHandle>,
    worker: Arc<WorkerHandle>,
    directory: TemporaryDirectory,
}

impl Embedded {
    /// An embedded deployment with these packs.
    pub(crate) fn new(local: Local) -> Self {
        Self { local, parts: None }
    }

    /// Starts everything, unless it runs, and says what the worker offers.
    pub(crate) async fn start(&mut self, need: Need) -> Result<Capabilities, CliError> {
        let parts = match self.parts.take() {
            Some(parts) => parts,
            None => Parts::start(&self.local, need).await?,
        };
        let capabilities = parts.worker.capabilities().clone();
        self.parts = Some(parts);
        Ok(capabilities)
    }

    /// Takes the secrets that an action lists from the data of `attune dev` in this directory, when there is any.
    async fn borrow_secrets(&self, execution: &NewExecution) -> Result<(), CliError> {
        let directory = std::path::Path::new(DEFAULT_DIRECTORY);
        let database = directory.join("attune.db");
        let Some(Parts { store, vault, .. }) = self.parts.as_ref().filter(|_| database.exists()) else { return Ok(()) };
        let lending = async {
            let url = format!("sqlite:{}", database.display());
            let lender = attune_store::open(&url, OpenOptions::default()).await?;
            lender.migrate().await?;
            let own = dev::vault(directory, &self.local.config);
            let lent = match &own {
                Ok(own) => {
                    let (names, action) = (&execution.spec.secrets, &execution.spec.action);
                    own.lend(lender.as_ref(), names, action, vault, store.as_ref()).await
                }
                Err(_) => Ok(()),
            };
            lender.close().await;
            lent?;
            own.map(drop).map_err(Lending::Keys)
        };
        lending.await.map_err(|error| match error {
            Lending::Keys(error) => error,
            Lending::Vault(error) => CliError::internal("reading secrets", error),
        })
    }

    fn store(&self) -> Result<Arc<dyn Store>, CliError> {
        let parts = self
            .parts
            .as_ref()
            .ok_or_else(|| CliError::internal("using the embedded deployment", "nothing was submitted to it yet"))?;
        Ok(Arc::clone(&parts.store))
    }

    fn new_execution(&self, request: &Request) -> NewExecution {
        let overrides = Overrides {
            timeout_ms: request.timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).max(1)),
            ..Overrides::default()
        };
        let spec = match &request.what {
            What::Action(action) => {
                let pack = self.local.library.pack(&action.action_ref.pack);
                execution_spec(action, pack.map_or("", |pack| &pack.spec.version), &overrides)
            }
            What::Script(script) => inline_spec(script.code.clone(), &script.runtime, &overrides),
        };
        NewExecution {
            spec,
            parameters: request.parameters.clone(),
            idempotency_key: Some(request.idempotency_key.clone()),
            requested_by: std::env::var("USER").ok(),
            labels: request.labels.clone(),
            trace: None,
            retry_of: None,
        }
    }
}

/// Why secrets could not be borrowed.
enum Lending {
    Keys(CliError),
    Vault(VaultError),
}

impl<E: Into<VaultError>> From<E> for Lending {
    fn from(error: E) -> Self {
        Self::Vault(error.into())
    }
}

impl Parts {
    async fn start(local: &Local, need: Need) -> Result<Self, CliError> {
        let directory = TemporaryDirectory::create("attune-run")?;
        let store = attune_store::open("sqlite::memory:", OpenOptions::default())
            .await
            .map_err(failed("opening the database in memory"))?;
        store.migrate().await.map_err(failed("making the database in memory"))?;
        let queue: Arc<dyn Queue> = Arc::new(MemoryQueue::new());
        // Nothing outlives this process, and neither does the key.
        let keys = Keyring::ephemeral().map_err(|error| CliError::internal("making a key", error))?;
        let vault = Arc::new(Vault::new(keys));
        // Requests are checked against the packs before they are submitted, so the catalogue stays empty.
        let control = Control::builder(Arc::clone(&store), Arc::clone(&queue), Shelf::default())
            .without_api()
            .vault(Some(Arc::clone(&vault)))
            .start()
            .await
            .map_err(|error| CliError::internal("starting the scheduler", error))?;
        let settings = settings(local, &directory, &need);
        let launcher = Launcher::start(LauncherProgram::Own)
            .map_err(|error| CliError::internal("starting the launcher of processes", error))?;
        let registry = find_interpreters(local, &settings, &need, &launcher).await;
        let worker = WorkerBuilder::new(Mode::Agent, settings)
            .store(Arc::clone(&store))
            .queue(queue)
            .packs(local.library.clone())
            .registry(registry)
            .launcher(launcher)
            .start()
            .await
            .map_err(|error| CliError::internal("starting the worker", error))?;
        Ok(Self { store, vault, control: Arc::new(control), worker: Arc::new(worker), directory })
    }
}

async fn find_interpreters(local: &Local, settings: &Settings, need: &Need, launcher: &Launcher) -> Registry {
    let specs = with_builtin(local.library.runtimes().cloned().collect());
    let path = settings.child_environment.get("PATH").unwrap_or_default();
    let options = match need {
        Need::One(requirement) => DetectOptions::for_one(specs, path, requirement),
        Need::Everything { .. } => DetectOptions::new(specs, path),
    };
    let options = options.in_environment(std::env::vars_os()).with_hints(local.config.paths.runtime_hints.as_deref());
    let detection = attune_runtime::detect(&options, launcher).await;
    for warning in &detection.warnings {
        tracing::info!("{warning}");
    }
    Registry::new(options.specs, detection)
}

fn settings(local: &Local, directory: &TemporaryDirectory, need: &Need) -> Settings {
    let worker = &local.config.worker;
    // The directory's name is random, and so is the worker's: nothing that an earlier process left is taken for ours.
    let name = directory.path().file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut settings = Settings::new(name, directory.path());
    settings.slots = match need {
        Need::One(_) => 1,
        Need::Everything { slots } => *slots,
    };
    settings.grace = worker.kill_grace;
    settings = settings.with_output_of(&local.config).with_environments_of(&local.config);
    settings.labels = worker.labels.clone();
    settings.sandbox = SandboxSettings::for_own_machine(&local.config);
    settings.pack_directories = local.absolute_pack_directories();
    settings.environments_directory = absolute(&local.config.paths.runtime_envs_dir);
    settings.artifacts_directory = absolute(&local.config.paths.artifacts_dir);
    // Nobody waits for work that runs when this process ends: it was cancelled, or has ended.
    settings.drain = Duration::ZERO;
    settings
}

fn absolute(path: &std::path::Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn failed(doing: &'static str) -> impl Fn(StoreError) -> CliError {
    move |error| CliError::internal(doing, error)
}

/// There is one worker and there will be no other, so what it lacks is an error now and not something to wait for.
fn check_that_it_can_run(execution: &NewExecution, capabilities: &Capabilities) -> Result<(), CliError> {
    let lacks = capabilities.lacks(&execution.spec.requirement);
    if lacks.is_empty() {
        return Ok(());
    }
    Err(CliError::Unavailable {
        what: format!("what {} needs", execution.spec.action),
        hint: "`attune doctor` shows what was found here; install it, or use a server whose workers have it".into(),
        source: format!("this machine lacks {}", lacks.join(" and ")).into(),
    })
}

impl Backend for Embedded {
    async fn action(&self, action: &ActionRef) -> Result<Option<ActionSpec>, CliError> {
        Ok(self.local.library.action(action).cloned())
    }

    async fn action_names(&self) -> Result<Vec<String>, CliError> {
        let packs = self.local.library.packs();
        Ok(packs.flat_map(|pack| &pack.actions).map(|action| action.action_ref.to_string()).collect())
    }

    async fn runtimes(&self) -> Result<Vec<RuntimeSpec>, CliError> {
        Ok(with_builtin(self.local.library.runtimes().cloned().collect()))
    }

    async fn submit(&mut self, request: &Request) -> Result<ExecutionId, CliError> {
        let execution = self.new_execution(request);
        let capabilities = self.start(Need::One(execution.spec.requirement.clone())).await?;
        check_that_it_can_run(&execution, &capabilities)?;
        if !execution.spec.secrets.is_empty() {
            self.borrow_secrets(&execution).await?;
        }
        let Some(Parts { store, vault, .. }) = &self.parts else {
            return Err(CliError::internal("submitting the execution", "the embedded deployment is not there"));
        };
        let submitted = vault
            .submit(store.as_ref(), execution)
            .await
            .map_err(|error| CliError::internal("submitting the execution", error))?;
        submitted.map(|one| one.id).ok_or_else(|| CliError::internal("submitting the execution", "no answer"))
    }

    fn follow(&self, id: ExecutionId) -> mpsc::Receiver<Followed> {
        let (sender, receiver) = mpsc::channel(64);
        let Some(Parts { store, control, worker, .. }) = &self.parts else {
            // The receiver hears that nobody will say anything.
            return receiver;
        };
        let (store, control, worker) = (Arc::clone(store), Arc::clone(control), Arc::clone(worker));
        tokio::spawn(async move {
            let wakes = store.wakes();
            let trouble = tokio::select! {
                followed = follow(store.as_ref(), wakes, id, &sender) => match followed {
                    Ok(()) => return,
                    Err(error) => CliError::internal("following the execution", error),
                },
                // Nobody else will finish the execution: waiting on would be waiting for ever.
                reason = worker.stopped() => CliError::internal("running the execution", format!("the worker stopped: {reason:?}")),
                end = control.ended() => CliError::internal("running the execution", format!("the scheduler stopped: {end:?}")),
            };
            // When nobody listens any more, nobody needs to hear it.
            let _ = sender.send(Followed::Failed(trouble)).await;
        });
        receiver
    }

    async fn why_it_waits(&self, _: ExecutionId) -> Option<String> {
        // What it needs was compared with the only worker before it was submitted, and whatever else keeps that one from
        // work, it has warned of on this terminal.
        None
    }

    async fn cancel(&self, id: ExecutionId) -> Result<(), CliError> {
        let answer = self.store()?.cancel(id, "Ctrl-C").await.map_err(failed("cancelling the execution"))?;
        tracing::debug!(execution.id = %id, ?answer, "cancel asked for");
        Ok(())
    }

    async fn kill(&self, _: ExecutionId) {
        let Some(parts) = &self.parts else { return };
        // The tree's abort drops every executor, and a dropped child is killed with its whole session.
        parts.worker.kill();
        parts.worker.stopped().await;
    }

    fn remembers(&self) -> bool {
        false
    }

    async fn close(self) {
        let Some(Parts { store, control, worker, directory, .. }) = self.parts else { return };
        worker.drain();
        worker.stopped().await;
        let report = control.stop().await;
        tracing::debug!(?report, "the control plane stopped");
        store.close().await;
        drop(directory);
    }
}

async fn follow(
    store: &dyn Store,
    mut wakes: Receiver<Wake>,
    id: ExecutionId,
    sender: &mpsc::Sender<Followed>,
) -> Result<(), StoreError> {
    let mut cursor = 0;
    loop {
        // The execution first: when it had ended then, the log that is read afterwards is complete.
        let execution = store.execution(id).await?;
        loop {
            let pieces = store.logs(id, cursor, PIECES).await?;
            let all = pieces.len() < PIECES as usize;
            for (position, piece) in pieces {
                cursor = position;
                if sender.send(Followed::Output(piece.stream, piece.bytes)).await.is_err() {
                    return Ok(());
                }
            }
            if all {
                break;
            }
        }
        if let Some(execution) = execution.filter(|execution| execution.status.is_terminal()) {
            // A receiver that is gone has heard enough.
            let _ = sender.send(Followed::Ended(Box::new(execution))).await;
            return Ok(());
        }
        moved(&mut wakes, id).await;
    }
}

/// Waits until `id` may have moved.
async fn moved(wakes: &mut Receiver<Wake>, id: ExecutionId) {
    let waiting = async {
        loop {
            match wakes.recv().await {
                Ok(Wake::Execution(moved)) if moved.is_none_or(|moved| moved == id) => return,
                // Hints were lost: look.
                Err(_) => return,
                Ok(_) => {}
            }
        }
    };
    // Looking now and then is enough when a hint was lost.
    let _ = timeout(LOOK, waiting).await;
}
