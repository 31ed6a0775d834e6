//! What a worker knows about its own earlier lives, and may tell the store as evidence.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use attune_process::Remnants;
use attune_store::Store;
use attune_types::Incarnation;
use tokio::time::Instant;

use crate::execution::{LIFE, OWNER};
use crate::home::Home;

/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(500);

/// Kills what an earlier life of this worker left running on this machine. `false` when that could not be done.
pub(crate) async fn sweep(home: &Path, incarnation: Incarnation) -> bool {
    let owner = (OWNER.to_owned(), home.display().to_string());
    let remnants = Remnants { owner, life: (LIFE.to_owned(), incarnation.to_string()) };
    match tokio::task::spawn_blocking(move || attune_process::sweep(&remnants)).await {
        Ok(found) => {
            for process in found {
                tracing::warn!(%process, "killed what an earlier life of this worker left running");
            }
            true
        }
        Err(error) => {
            tracing::error!(%error, "what an earlier life of this worker left running could not be looked for");
            false
        }
    }
}

/// Whether the life that the store knows under this name is one that lived in this directory and is over. Only then
/// does an empty process table prove anything: another life may be running on another machine.
///
/// Asked again for as long as `patience` lasts while the store does not answer: without evidence, everything that the
/// earlier life held waits until its leases run out.
pub(crate) async fn is_successor(store: &Arc<dyn Store>, home: &Home, name: &str, patience: Duration) -> bool {
    if !home.has_earlier_lives() {
        return false;
    }
    let deadline = Instant::now() + patience;
    loop {
        match store.workers().await {
            Ok(workers) => {
                let known = workers.into_iter().find(|worker| worker.name == name);
                let is_over = known.as_ref().is_some_and(|worker| home.is_over(worker.incarnation));
                if let Some(worker) = known.filter(|_| !is_over) {
                    let earlier = worker.incarnation;
                    tracing::info!(%earlier, "the worker of this name did not end in this directory, so its work waits until its leases run out");
                }
                return is_over;
            }
            Err(error) if error.is_passing() && Instant::now() < deadline => {
                tracing::debug!(error = &error as &dyn std::error::Error, "asking again for the earlier life");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "whether an earlier life is over could not be asked, so its work waits until its leases run out"
                );
                return false;
            }
        }
    }
}
