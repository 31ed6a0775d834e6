//! Writes the report for as long as the worker runs.

use std::convert::Infallible;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use attune_process::clock;
use attune_supervise::Status;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::report::{Report, file_in};
use super::service_manager::ServiceManager;
use crate::handle::WorkerHandle;

/// How often it is written.
const EVERY: Duration = Duration::from_secs(1);
/// How long the actors' supervisor may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How old a report may be: more than the supervisor's patience and a slow disk together.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// Writes down every second what the worker is, and tells a service manager that waits for it.
pub(crate) async fn tell(
    worker: &WorkerHandle,
    state_directory: &Path,
    heartbeat: Duration,
    has_broker: bool,
    is_draining: &AtomicBool,
) -> Infallible {
    let file = file_in(state_directory);
    let next = file.with_extension("json.new");
    let supervisor = worker.tree();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_written = true;
    let manager = ServiceManager::of_process();
    let (mut is_ready, mut is_leaving) = (false, false);
    loop {
        ticks.tick().await;
        let tree = matches!(timeout(PATIENCE, supervisor.send(Status)).await, Ok(Ok(_)));
        if tree {
            manager.alive();
        }
        let drains = is_draining.load(Ordering::Relaxed);
        if drains && !std::mem::replace(&mut is_leaving, true) {
            manager.stopping();
        }
        let consuming = (has_broker && !drains).then(|| worker.link().is_some());
        if tree && consuming != Some(false) && !std::mem::replace(&mut is_ready, true) {
            manager.ready();
        }
        let now = clock::boot();
        let report = Report {
            worker: worker.name().to_owned(),
            at: millis(now),
            good_for: millis(GOOD_FOR),
            tree,
            beat: millis(now.saturating_sub(worker.silence())),
            // The server takes it for unreachable after three that did not come.
            beat_good_for: millis(heartbeat * 3 + EVERY),
            consuming,
        };
        let text = serde_json::json!(report).to_string();
        let written = async {
            tokio::fs::write(&next, text).await?;
            // Whoever reads finds the old one or the new one, whole.
            tokio::fs::rename(&next, &file).await
        };
        match written.await {
            Ok(()) => is_written = true,
            Err(error) => {
                // Said once: the file that grows old says it to whoever looks.
                if std::mem::take(&mut is_written) {
                    tracing::warn!(path = %file.display(), %error, "health cannot be written down");
                }
            }
        }
    }
}

/// Takes the last report away: a worker that has left is not healthy, and not ill either.
pub(crate) async fn forget(state_directory: &Path) {
    // It grows old anyway.
    let _gone_or_not = tokio::fs::remove_file(file_in(state_directory)).await;
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
