//! Everything that `attune dev` runs.

use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use attune_artifacts::Place;
use attune_control::{Control, ControlHandle, retention_of};
use attune_pack::Shelf;
use attune_queue::{MemoryQueue, Queue};
use attune_store::{OpenOptions, Store};
use attune_supervise::TreeEnd;
use attune_worker::{Mode, SandboxSettings, Settings, StopReason, WorkerBuilder, WorkerHandle};

use crate::backend::Local;
use crate::commands::run::Interrupts;
use crate::commands::worker::runtimes;
use crate::dev::{vault, worker_name};
use crate::error::CliError;
use crate::exit;
use crate::output::remark;

/// A store, a control plane and a worker.
pub(super) struct Deployment {
    store: Arc<dyn Store>,
    control: ControlHandle,
    worker: WorkerHandle,
}

impl Deployment {
    /// Starts everything in `directory`, whose lock must be held: what an earlier process of this directory left running
    /// is swept, and what it was doing is settled.
    pub(super) async fn start(
        directory: &Path,
        local: Local,
        listener: TcpListener,
        token: &str,
    ) -> Result<Self, CliError> {
        let url = format!("sqlite:{}", directory.join("attune.db").display());
        let unusable = |source| CliError::Unavailable {
            what: "the database".into(),
            hint: "look at the directory's permissions and free space, or use another one: attune dev --dir DIR".into(),
            source: Box::new(source),
        };
        let store = attune_store::open(&url, OpenOptions::default()).await.map_err(unusable)?;
        store.migrate().await.map_err(unusable)?;
        let queue: Arc<dyn Queue> = Arc::new(MemoryQueue::new());
        let name = local.config.worker.name.clone().map_or_else(|| worker_name(directory), Ok)?;
        let mut settings = settings(directory, name, &local);
        let place = Place::of(settings.bucket.as_ref(), &settings.artifacts_directory)
            .map_err(|error| CliError::internal("using the place where files are kept", error))?;
        let address = listener.local_addr().map_err(|error| CliError::internal("listening", error))?;
        settings.api_url = Some(format!("http://{address}"));
        let shelf = Shelf::open(&local.absolute_pack_directories());
        let control = Control::builder(Arc::clone(&store), Arc::clone(&queue), shelf)
            .listener(listener)
            .api_token(Some(token.to_owned()))
            .retention(retention_of(&local.config.retention))
            .artifacts(place)
            .vault(Some(Arc::new(vault(directory, &local.config)?)));
        let worker =
            WorkerBuilder::new(Mode::Worker, settings).store(Arc::clone(&store)).queue(queue).packs(local.library);
        // At the same time: the worker asks every interpreter for its version meanwhile.
        let (control, worker) = tokio::join!(control.start(), worker.start());
        let control = control.map_err(|error| CliError::internal("starting the API and the scheduler", error))?;
        let worker = worker.map_err(|error| CliError::internal("starting the worker", error))?;
        Ok(Self { store, control, worker })
    }

    /// Where the API listens.
    pub(super) fn url(&self) -> String {
        self.control.url()
    }

    /// The worker and its runtimes in one line.
    pub(super) fn worker(&self) -> String {
        format!("{}: {}", self.worker.name(), runtimes(self.worker.capabilities()).join(", "))
    }

    /// Runs until a signal asks for the end, or a part gives up.
    pub(super) async fn until_told(self) -> Result<ExitCode, CliError> {
        let mut interrupts = Interrupts::listen()?;
        let reason = tokio::select! {
            () = interrupts.next() => self.drain(&mut interrupts).await,
            reason = self.worker.stopped() => reason,
            end = self.control.ended() => StopReason::GaveUp { reason: given_up(&end) },
        };
        let report = self.control.stop().await;
        tracing::debug!(?report, "the control plane stopped");
        self.store.close().await;
        if let StopReason::GaveUp { reason } = &reason {
            remark(&format!("error: gave up: {reason}"));
            remark("hint: the log above names the part that failed; what was running is settled at the next start");
            return Ok(ExitCode::from(exit::GAVE_UP));
        }
        Ok(ExitCode::from(reason.exit_code()))
    }

    /// The first signal lets running executions finish; the second ends them, the third kills them.
    async fn drain(&self, interrupts: &mut Interrupts) -> StopReason {
        remark("ending: running executions may finish (once more ends them, a third time kills them)");
        self.worker.drain();
        tokio::select! {
            reason = self.worker.stopped() => return reason,
            () = interrupts.next() => self.worker.hurry(),
        }
        tokio::select! {
            reason = self.worker.stopped() => return reason,
            () = interrupts.next() => self.worker.kill(),
        }
        self.worker.stopped().await
    }
}

fn given_up(end: &TreeEnd) -> String {
    format!("{end:?}")
}

fn settings(directory: &Path, name: String, local: &Local) -> Settings {
    let worker = &local.config.worker;
    let mut settings = Settings::new(name, directory);
    settings.slots = worker.max_concurrent_tasks;
    settings.heartbeat = worker.heartbeat_interval;
    settings.lease = local.config.protocol.lease;
    settings.drain = worker.shutdown_timeout;
    settings.grace = worker.kill_grace;
    settings = settings.with_output_of(&local.config).with_environments_of(&local.config);
    settings.labels = worker.labels.clone();
    settings.sandbox = SandboxSettings::for_own_machine(&local.config);
    // The token and the database.
    settings.sandbox.hidden.push(directory.to_owned());
    settings.runtimes = Some(worker.capabilities.runtimes.clone()).filter(|runtimes| !runtimes.is_empty());
    settings.pack_directories = local.absolute_pack_directories();
    settings
}
