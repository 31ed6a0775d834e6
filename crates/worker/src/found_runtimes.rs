//! Tells the store of runtimes that this worker can run and that nobody declared.

use std::sync::Arc;
use std::time::Duration;

use attune_runtime::Registry;
use attune_store::{Store, StoreError};

/// The pause between two tries.
const PAUSE: Duration = Duration::from_secs(2);
/// How often it is tried. What is not told now is told by the next start.
const TRIES: u32 = 10;

/// Tells the store of every runtime with an interpreter here that it does not know: from its template, else by what was
/// found. What is declared is never displaced, and nothing that runs depends on any of it: it is for people, and for
/// actions that are to be submitted.
pub(crate) async fn tell(store: Arc<dyn Store>, registry: Arc<Registry>) {
    for _ in 0..TRIES {
        match tell_once(&store, &registry).await {
            Ok(()) => return,
            Err(error) if error.is_passing() => tokio::time::sleep(PAUSE).await,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "runtimes that were found could not be registered");
                return;
            }
        }
    }
    tracing::warn!("runtimes that were found could not be registered: the database does not answer");
}

async fn tell_once(store: &Arc<dyn Store>, registry: &Registry) -> Result<(), StoreError> {
    for found in registry.unknown_to(&store.runtimes().await?) {
        store.register_runtime(&found.spec, &found.detection).await?;
        tracing::info!(runtime = found.spec.name, "runtime registered that was found here");
    }
    Ok(())
}
