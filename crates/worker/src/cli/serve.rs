//! From a configuration to a worker that runs until it is told to stop.

use std::cell::OnceCell;
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use attune_config::Config;
use attune_process::sandbox::{keep_memory_private, probe};
use attune_queue::{ConnectOptions, MemoryQueue, Queue, QueueError};
use attune_store::{OpenOptions, Store, StoreError};
use attune_supervise::leave_within;
use attune_types::PlainText;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

use super::progress;
use super::{BAD_INPUT, UNAVAILABLE};
use crate::builder::WorkerBuilder;
use crate::error::WorkerError;
use crate::fence::FencePolicy;
use crate::handle::WorkerHandle;
use crate::health;
use crate::mode::Mode;
use crate::sandbox::SandboxSettings;
use crate::settings::Settings;
use crate::stop_reason::StopReason;
use crate::update::{Change, Updater};

/// How long a worker that gave up may take to end in order.
const LAST_RESORT: Duration = Duration::from_secs(10);
/// The pause between two tries to open the database at start.
const PAUSE: Duration = Duration::from_millis(500);

/// Why the program could not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The operating system refused something that every program gets.
    #[error("failed to {doing}")]
    System {
        /// What.
        doing: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No database is configured.
    #[error(
        "no database is configured; set database.url (ATTUNE__DATABASE__URL), or run `attune dev` for all in one process"
    )]
    NoDatabase,
    /// The database cannot be used.
    #[error("failed to use the database (database.url)")]
    Store(#[source] StoreError),
    /// The broker cannot be used.
    #[error("failed to use the broker (message_queue.url)")]
    Queue(#[source] Box<QueueError>),
    /// The worker did not start.
    #[error("failed to start")]
    Worker(#[source] WorkerError),
}

impl ServeError {
    /// The exit code of a program that ends like this.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoDatabase | Self::Store(StoreError::Url { .. }) => BAD_INPUT,
            Self::Queue(error) if matches!(**error, QueueError::Url { .. }) => BAD_INPUT,
            Self::Worker(error) if !error.is_dependency() => BAD_INPUT,
            _ => UNAVAILABLE,
        }
    }
}

impl Settings {
    /// What the configuration says about a worker.
    #[must_use]
    pub fn from_config(config: &Config) -> Self {
        let host = host_name();
        let name = config.worker.name.clone().unwrap_or_else(|| host.clone());
        // A folder per name: two workers of one machine may share the configuration but nothing else.
        let folder: String = name
            .chars()
            .map(
                |character| if character.is_ascii_alphanumeric() || "-_".contains(character) { character } else { '_' },
            )
            .collect();
        let runtimes = &config.worker.capabilities.runtimes;
        Self {
            worker_type: config.worker.worker_type.as_str().to_owned(),
            host: config.worker.host.clone().unwrap_or(host),
            slots: config.worker.max_concurrent_tasks,
            heartbeat: config.worker.heartbeat_interval,
            lease: config.protocol.lease,
            fence: FencePolicy { terminate: config.protocol.fence_terminate, kill: config.protocol.fence_kill },
            drain: config.worker.shutdown_timeout,
            grace: config.worker.kill_grace,
            labels: config.worker.labels.clone(),
            runtimes: (!runtimes.is_empty()).then(|| runtimes.clone()),
            runtime_hints: config.paths.runtime_hints.clone(),
            pack_directories: config.packs.directories.clone(),
            state_directory: config.paths.state_dir.join("workers").join(folder),
            artifacts_directory: config.paths.artifacts_dir.clone(),
            environments_directory: config.paths.runtime_envs_dir.clone(),
            api_url: config.client.api_url.clone(),
            sandbox: SandboxSettings::from_config(config),
            ..Self::new(name, &config.paths.state_dir).with_output_of(config).with_environments_of(config)
        }
    }
}

/// Runs a worker until it is told to stop; why it stopped, and what goes on in its place.
pub(crate) fn run(
    mode: Mode,
    config: &Config,
    updater: Option<&Updater>,
) -> Result<(StopReason, Option<Change>), ServeError> {
    keep_memory_private().map_err(|source| ServeError::System { doing: "keep its memory private", source })?;
    let failed = |source| ServeError::System { doing: "start the runtime", source };
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
    let system = actix_rt::System::with_tokio_rt(move || runtime);
    system.block_on(serve(mode, config, updater))
}

async fn serve(
    mode: Mode,
    config: &Config,
    updater: Option<&Updater>,
) -> Result<(StopReason, Option<Change>), ServeError> {
    let failed = |source| ServeError::System { doing: "listen for signals", source };
    let mut signals = Signals::new().map_err(failed)?;
    let settings = Settings::from_config(config);
    // Before anything is connected to: no patience helps a machine that cannot do it.
    settings.sandbox.check(probe()).map_err(|error| ServeError::Worker(WorkerError::Sandbox(error)))?;
    let (state, beat) = (settings.state_directory.clone(), settings.heartbeat);
    let is_draining = AtomicBool::new(false);
    let starting = async {
        let store = open_store(config, &settings).await?;
        let queue = open_queue(config, &settings).await?;
        let builder = WorkerBuilder::new(mode, settings).store(Arc::clone(&store)).queue(Arc::clone(&queue));
        let worker = builder.start().await.map_err(ServeError::Worker)?;
        Ok::<_, ServeError>((store, queue, worker))
    };
    let (store, queue, worker) = tokio::select! {
        started = starting => started?,
        () = signals.next() => return Ok((StopReason::Drained, None)),
    };
    progress::show(worker.preparation());
    let stopping = worker.stopping();
    tokio::spawn(async move {
        let reason = stopping.await;
        if matches!(reason, StopReason::GaveUp { .. })
            && let Err(error) = leave_within(LAST_RESORT, i32::from(reason.exit_code()))
        {
            tracing::error!(error = &error as &dyn std::error::Error, "no thread is left to end the process");
        }
    });
    let has_broker = config.message_queue.url.is_some();
    let change = OnceCell::new();
    let reason = tokio::select! {
        reason = until_stopped(&worker, &mut signals, &is_draining) => reason,
        never = health::tell(&worker, &state, beat, has_broker, &is_draining) => match never {},
        never = make_way(updater, &worker, has_broker, &change) => match never {},
    };
    health::forget(&state).await;
    queue.close().await;
    store.close().await;
    match &reason {
        StopReason::Drained => tracing::info!("stopped as asked"),
        other => tracing::error!(reason = ?other, "stopped"),
    }
    // Who was told to stop has nothing to go on with.
    let is_told = is_draining.load(Ordering::Relaxed);
    let change = change.into_inner().filter(|_| reason == StopReason::Drained && !is_told);
    Ok((reason, change))
}

/// Has the worker leave when another program is to go on in its place.
async fn make_way(
    updater: Option<&Updater>,
    worker: &WorkerHandle,
    has_broker: bool,
    change: &OnceCell<Change>,
) -> Infallible {
    if let Some(updater) = updater {
        let found = updater.follow(worker, has_broker).await;
        if change.set(found).is_ok() {
            worker.drain();
        }
    }
    std::future::pending().await
}

/// Passes signals on until the worker has stopped: drain, then hurry, then kill.
async fn until_stopped(worker: &WorkerHandle, signals: &mut Signals, is_draining: &AtomicBool) -> StopReason {
    let mut heard = 0_u32;
    loop {
        tokio::select! {
            reason = worker.stopped() => return reason,
            () = signals.next() => heard += 1,
        }
        is_draining.store(true, Ordering::Relaxed);
        match heard {
            1 => worker.drain(),
            2 => worker.hurry(),
            _ => worker.kill(),
        }
    }
}

async fn open_store(config: &Config, settings: &Settings) -> Result<Arc<dyn Store>, ServeError> {
    let url = config.database.url.as_ref().ok_or(ServeError::NoDatabase)?;
    let deadline = Instant::now() + settings.patience;
    loop {
        let options = OpenOptions {
            application_name: format!("attune-worker/{}", settings.name),
            max_connections: config.database.max_connections,
            most_unstarted: i32::try_from(config.protocol.most_unstarted).unwrap_or(i32::MAX),
            ca_file: config.database.tls.ca_path.clone(),
            plain_text: PlainText::allowing(&config.security.allow_insecure),
            ..OpenOptions::default()
        };
        match prepare(attune_store::open(url.expose(), options).await).await {
            Ok(store) => return Ok(store),
            Err(error) if error.is_passing() && Instant::now() < deadline => {
                tracing::warn!(error = &error as &dyn std::error::Error, "waiting for the database");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(ServeError::Store(error)),
        }
    }
}

/// A worker may be there before the first server, and then the schema is its to make.
async fn prepare(opened: Result<Arc<dyn Store>, StoreError>) -> Result<Arc<dyn Store>, StoreError> {
    let store = opened?;
    match store.migrate().await {
        Ok(_) => Ok(store),
        Err(error) if error.is_passing() => Err(error),
        Err(error) => {
            // A role that may not change the schema is the safer one to have; the server does it then.
            tracing::debug!(error = &error as &dyn std::error::Error, "the schema was left as it is");
            Ok(store)
        }
    }
}

async fn open_queue(config: &Config, settings: &Settings) -> Result<Arc<dyn Queue>, ServeError> {
    let Some(url) = &config.message_queue.url else {
        tracing::warn!("no message_queue.url: work comes with the heartbeat alone");
        return Ok(Arc::new(MemoryQueue::new()));
    };
    let options = ConnectOptions {
        name: format!("attune-worker {}", settings.name),
        start_deadline: settings.patience,
        confirm_timeout: config.message_queue.confirm_timeout,
        ca_file: config.message_queue.tls.ca_path.clone(),
        plain_text: PlainText::allowing(&config.security.allow_insecure),
    };
    attune_queue::connect(url.expose(), options).await.map_err(|error| ServeError::Queue(Box::new(error)))
}

fn host_name() -> String {
    std::fs::read_to_string(Path::new("/proc/sys/kernel/hostname"))
        .map(|name| name.trim().to_owned())
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "worker".to_owned())
}

/// SIGTERM and SIGINT alike.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
