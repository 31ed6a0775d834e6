//! From a configuration to a control plane that runs until it is told to stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use attune_artifacts::{Place, PlaceError, S3Options};
use attune_config::{Config, Protocol};
use attune_pack::Shelf;
use attune_queue::{ConnectOptions, Dns, MemoryQueue, Queue, QueueError};
use attune_secret::SecretError;
use attune_store::{OpenOptions, ReaperPolicy, Store, StoreError};
use attune_supervise::{Abort, TreeEnd, leave_within};
use attune_types::PlainText;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{BAD_INPUT, GAVE_UP, INTERRUPTED, NOT_DRAINED, UNAVAILABLE};
use crate::api::ApiLimits;
use crate::builder::Control;
use crate::error::ControlError;
use crate::handle::ControlHandle;
use crate::retention::retention_of;
use crate::secrets::{Vault, VaultError, keyring_of};
use crate::ticks::Ticks;

/// How long a server that gave up may take to end in order.
const LAST_RESORT: Duration = Duration::from_secs(10);

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
    /// The database cannot be used.
    #[error("failed to use the database (database.url)")]
    Store(#[source] StoreError),
    /// The place where files are kept cannot be used.
    #[error("failed to use the place where files are kept (artifacts.*)")]
    Artifacts(#[source] PlaceError),
    /// The broker cannot be used.
    #[error("failed to use the broker (message_queue.url)")]
    Queue(#[source] QueueError),
    /// `server.host` names no address.
    #[error("failed to find the address of server.host {host:?}")]
    Host {
        /// The name.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The keys of secrets cannot be used.
    #[error("failed to read the keys of secrets (security.*)")]
    Keys(#[source] SecretError),
    /// The control plane did not start.
    #[error("failed to start")]
    Control(#[source] ControlError),
}

impl ServeError {
    /// The exit code of a program that ends like this.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Store(StoreError::Url { .. })
            | Self::Artifacts(_)
            | Self::Keys(_)
            | Self::Queue(QueueError::Url { .. })
            | Self::Control(
                ControlError::Exposed { .. }
                | ControlError::Secrets(VaultError::Secret(_) | VaultError::Unreadable { .. })
                | ControlError::WeakToken { .. }
                | ControlError::GuessableToken,
            ) => BAD_INPUT,
            _ => UNAVAILABLE,
        }
    }
}

/// Serves until told to stop; returns the exit code.
pub(crate) fn run(config: Config, migrate: bool) -> Result<u8, ServeError> {
    let failed = |source| ServeError::System { doing: "start the runtime", source };
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
    let system = actix_rt::System::with_tokio_rt(move || runtime);
    system.block_on(serve(config, migrate))
}

/// Brings the schema up to date and leaves.
pub(crate) fn migrate(config: &Config) -> Result<(), ServeError> {
    let failed = |source| ServeError::System { doing: "start the runtime", source };
    let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let store = open_store(config, true).await?;
        store.close().await;
        tracing::info!(store = store.kind(), "the database schema is up to date");
        Ok(())
    })
}

async fn serve(config: Config, migrate: bool) -> Result<u8, ServeError> {
    let mut signals = Signals::new().map_err(|source| ServeError::System { doing: "listen for signals", source })?;
    let preparing = async {
        let store = open_store(&config, migrate).await?;
        let queue = open_queue(&config).await?;
        let control = start(&config, Arc::clone(&store), Arc::clone(&queue)).await?;
        Ok((store, queue, control))
    };
    let (store, queue, control) = tokio::select! {
        prepared = preparing => prepared?,
        () = signals.next() => return Ok(0),
    };
    tracing::info!(api.url = control.url(), store = store.kind(), queue = queue.kind(), "serving");
    let ending = control.ending();
    tokio::spawn(async move {
        if matches!(ending.await, TreeEnd::GaveUp(_))
            && let Err(error) = leave_within(LAST_RESORT, i32::from(GAVE_UP))
        {
            tracing::error!(error = &error as &dyn std::error::Error, "no thread is left to end the process");
        }
    });
    let code = until_told(&control, &mut signals).await;
    queue.close().await;
    store.close().await;
    tracing::info!(code, "stopped");
    Ok(code)
}

async fn open_store(config: &Config, migrate: bool) -> Result<Arc<dyn Store>, ServeError> {
    let url = match &config.database.url {
        Some(url) => url.expose().to_owned(),
        None => {
            let folder = &config.paths.state_dir;
            let failed = |source| ServeError::System { doing: "make the folder of the embedded database", source };
            tokio::fs::create_dir_all(folder).await.map_err(failed)?;
            format!("sqlite:{}", folder.join("attune.db").display())
        }
    };
    let options = OpenOptions {
        application_name: "attune-server".to_owned(),
        max_connections: config.database.max_connections,
        most_unstarted: i32::try_from(config.protocol.most_unstarted).unwrap_or(i32::MAX),
        ca_file: config.database.tls.ca_path.clone(),
        plain_text: PlainText::allowing(&config.security.allow_insecure),
        ..OpenOptions::default()
    };
    let store = attune_store::open(&url, options).await.map_err(ServeError::Store)?;
    if migrate {
        let count = store.migrate().await.map_err(ServeError::Store)?;
        if count > 0 {
            tracing::info!(migrations = count, "the database schema was brought up to date");
        }
    }
    Ok(store)
}

async fn open_queue(config: &Config) -> Result<Arc<dyn Queue>, ServeError> {
    let Some(url) = &config.message_queue.url else {
        tracing::warn!("no message_queue.url: workers in other processes learn of work by their beat alone");
        return Ok(Arc::new(MemoryQueue::new()));
    };
    let options = ConnectOptions {
        name: "attune-server".to_owned(),
        confirm_timeout: config.message_queue.confirm_timeout,
        ca_file: config.message_queue.tls.ca_path.clone(),
        plain_text: PlainText::allowing(&config.security.allow_insecure),
        ..ConnectOptions::default()
    };
    attune_queue::connect(url.expose(), options).await.map_err(ServeError::Queue)
}

async fn start(config: &Config, store: Arc<dyn Store>, queue: Arc<dyn Queue>) -> Result<ControlHandle, ServeError> {
    let shelf = Shelf::open(&config.packs.directories);
    for broken in shelf.library().broken() {
        tracing::warn!(error = %crate::trouble::chain(broken), "a pack cannot be used and is left out");
    }
    let control = Control::builder(store, queue, shelf)
        .listen(address_of(&config.server.host, config.server.port).await?)
        .api_token(config.server.api_token.as_ref().map(|token| token.expose().to_owned()))
        .limits(ApiLimits { requests_per_second: config.server.requests_per_second, ..ApiLimits::default() })
        .timing(timing_of(&config.protocol, config.worker.heartbeat_interval))
        .retention(retention_of(&config.retention))
        .artifacts(place_of(config)?)
        .agents(config.server.agent_directory.clone())
        .vault(vault_of(config)?)
        .ticks(Ticks {
            scheduler: config.protocol.scheduler_poll,
            relay: config.protocol.relay_poll,
            reaper: config.protocol.reaper_tick,
        });
    control.start().await.map_err(ServeError::Control)
}

/// The keys of secrets, when there are any.
fn vault_of(config: &Config) -> Result<Option<Arc<Vault>>, ServeError> {
    let keys = keyring_of(&config.security).map_err(ServeError::Keys)?;
    if keys.is_none() {
        tracing::warn!(
            "no security.encryption_key: secrets cannot be stored, and parameters marked secret are refused"
        );
    }
    Ok(keys.map(|keys| Arc::new(Vault::new(keys))))
}

/// Where workers of the same configuration keep files.
fn place_of(config: &Config) -> Result<Place, ServeError> {
    let bucket = S3Options::from_config(config);
    Place::of(bucket.as_ref(), &config.paths.artifacts_dir).map_err(ServeError::Artifacts)
}

async fn address_of(host: &str, port: u16) -> Result<SocketAddr, ServeError> {
    let failed = |source| ServeError::Host { host: host.to_owned(), source };
    let addresses = Dns::from_system().resolve(host, port).await.map_err(failed)?;
    addresses.first().copied().ok_or_else(|| failed(io::Error::from(io::ErrorKind::NotFound)))
}

/// When leases end, by the configuration.
///
/// A gap that goes unnoticed must leave every worker the time for a beat before and a beat after it, or a database that was
/// away for a moment would look like workers that are dead; so of a short lease a short gap counts.
fn timing_of(protocol: &Protocol, beat: Duration) -> ReaperPolicy {
    let harmless = protocol.lease.saturating_sub(beat * 2).max(protocol.reaper_tick * 2);
    let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    ReaperPolicy {
        lease_ms: millis(protocol.lease),
        lease_slack_ms: millis(protocol.lease_slack),
        dispatch_ms: millis(protocol.dispatch),
        unreachable_ms: millis(protocol.unreachable),
        gap_ms: millis(protocol.reaper_gap.min(harmless)),
        outbox_hold_ms: millis(protocol.outbox_hold),
        most_unstarted: i32::try_from(protocol.most_unstarted).unwrap_or(i32::MAX),
    }
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

/// Waits for the first signal, stops, and returns the exit code; the second signal ends the patience.
async fn until_told(control: &ControlHandle, signals: &mut Signals) -> u8 {
    tokio::select! {
        end = control.ended() => {
            if let TreeEnd::GaveUp(reason) = end {
                tracing::error!(reason = %reason, "giving up");
            }
            return GAVE_UP;
        }
        () = signals.next() => tracing::info!("asked to stop"),
    }
    tokio::select! {
        report = control.stop() => if report.is_clean() { 0 } else { NOT_DRAINED },
        () = signals.next() => {
            tracing::warn!("asked to stop at once");
            // The report tells nothing that matters any more.
            let _aborted = control.tree().send(Abort).await;
            INTERRUPTED
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_short_lease_a_short_gap_counts() {
        let seconds = Duration::from_secs;
        for (lease, beat, tick, gap, expected) in [
            (45, 5, 2, 10, 10_000),
            (45, 20, 2, 10, 5_000),
            (12, 5, 1, 10, 2_000),
            (12, 5, 2, 10, 4_000),
            (3, 1, 1, 2, 2_000),
        ] {
            let mut protocol = Config::default().protocol;
            protocol.lease = seconds(lease);
            protocol.reaper_tick = seconds(tick);
            protocol.reaper_gap = seconds(gap);
            assert_eq!(timing_of(&protocol, seconds(beat)).gap_ms, expected, "lease {lease} s, beat {beat} s");
        }
    }
}
