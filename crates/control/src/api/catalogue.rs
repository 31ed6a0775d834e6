//! Actions as requests need them, remembered for a moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use attune_types::{ActionRef, ActionSpec};
use tokio::time::Instant;

use super::problem::Problem;
use super::state::ApiState;

/// How long an action is remembered. Another replica may have replaced its pack, so this bounds how long a change of a
/// pack takes to be seen here.
const MEMORY: Duration = Duration::from_secs(1);

/// How many actions are remembered at most.
const MOST: usize = 10_000;

/// An action with the version of the pack it comes from.
#[derive(Debug)]
pub(crate) struct CatalogueEntry {
    pub(crate) action: ActionSpec,
    pub(crate) pack_version: String,
}

/// Remembers actions for a second, so that a thousand submissions of one action cost one look at the catalogue and not a
/// thousand. What does not exist is not remembered.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    entries: Mutex<HashMap<ActionRef, (Instant, Arc<CatalogueEntry>)>>,
}

impl Catalogue {
    fn entries(&self) -> MutexGuard<'_, HashMap<ActionRef, (Instant, Arc<CatalogueEntry>)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything, because a pack changed here.
    pub(crate) fn forget(&self) {
        self.entries().clear();
    }

    /// The action that `reference` names, if there is one.
    pub(crate) async fn find(
        &self,
        state: &ApiState,
        reference: &ActionRef,
    ) -> Result<Option<Arc<CatalogueEntry>>, Problem> {
        let remembered = self.entries().get(reference).filter(|(at, _)| at.elapsed() < MEMORY).cloned();
        if let Some((_, entry)) = remembered {
            return Ok(Some(entry));
        }
        let wanted = reference.clone();
        let found = state
            .ask(move |store| async move {
                let Some(action) = store.action(&wanted).await? else { return Ok(None) };
                let pack = store.packs().await?.into_iter().find(|pack| pack.pack_ref == wanted.pack);
                Ok(pack.map(|pack| Arc::new(CatalogueEntry { action, pack_version: pack.version })))
            })
            .await?;
        if let Some(entry) = &found {
            let mut entries = self.entries();
            if entries.len() >= MOST {
                entries.clear();
            }
            entries.insert(reference.clone(), (Instant::now(), Arc::clone(entry)));
        }
        Ok(found)
    }
}
