//! Environments that are ready.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use attune_types::ExecutionSpec;

use super::preparer::{EnvironmentKey, Preparer};

/// Environments that are ready. Outlives the actor that makes them, and answers without asking it: an execution whose
/// environment is there waits for nobody.
pub(crate) struct Environments {
    preparer: Arc<dyn Preparer>,
    ready: Mutex<HashMap<EnvironmentKey, Option<PathBuf>>>,
}

impl Environments {
    pub(crate) fn new(preparer: Arc<dyn Preparer>) -> Self {
        Self { preparer, ready: Mutex::default() }
    }

    /// The key of what `spec` needs.
    pub(crate) fn key(spec: &ExecutionSpec) -> EnvironmentKey {
        EnvironmentKey {
            pack: spec.code.is_none().then(|| spec.action.pack.clone()),
            runtime: spec.requirement.runtime.to_lowercase(),
            version: spec.requirement.version.as_ref().map_or_else(String::new, |version| version.as_str().to_owned()),
        }
    }

    /// Whether claims must be held because an environment may have to be made first.
    pub(crate) fn may_have_to_prepare(&self) -> bool {
        self.preparer.may_be_needed()
    }

    /// The environment when it is ready: `Some(None)` when nothing is needed.
    pub(crate) fn ready(&self, key: &EnvironmentKey) -> Option<Option<PathBuf>> {
        if !self.preparer.may_be_needed() {
            return Some(None);
        }
        self.shelf().get(key).cloned()
    }

    pub(crate) fn put(&self, key: EnvironmentKey, environment: Option<PathBuf>) {
        self.shelf().insert(key, environment);
    }

    pub(crate) fn preparer(&self) -> Arc<dyn Preparer> {
        Arc::clone(&self.preparer)
    }

    fn shelf(&self) -> MutexGuard<'_, HashMap<EnvironmentKey, Option<PathBuf>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
