//! Environments that are ready.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use attune_pack::Library;
use attune_store::Hold;
use attune_types::ExecutionSpec;

use super::preparer::{EnvironmentKey, Preparer, Stamp};
use super::slot::ReadyEnvironment;

/// What is known about one key.
#[derive(Debug, Clone)]
enum Known {
    /// The pack needs no environment.
    Nothing,
    /// It needs one that is not ready.
    Missing,
    /// It is ready, for what the pack asked for then.
    Ready(Arc<ReadyEnvironment>, Option<Stamp>),
}

#[derive(Debug, Default)]
struct Shelf {
    known: HashMap<EnvironmentKey, Known>,
    /// What the actions of all packs need.
    actions: BTreeMap<String, EnvironmentKey>,
    /// What claims are told, made when something changes.
    hold: Hold,
}

/// What a look at the disk brought.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// What has to be made.
    pub(crate) missing: Vec<EnvironmentKey>,
    /// Fingerprints of what was ready and is not any more.
    pub(crate) dropped: Vec<String>,
}

/// Environments that are ready. Outlives the actor that makes them, and answers without asking it, or the disk: an
/// execution whose environment is there waits for nobody.
pub(crate) struct Environments {
    preparer: Arc<dyn Preparer>,
    shelf: Mutex<Shelf>,
}

impl Environments {
    pub(crate) fn new(preparer: Arc<dyn Preparer>) -> Self {
        Self { preparer, shelf: Mutex::default() }
    }

    /// The key of what `spec` needs.
    pub(crate) fn key(spec: &ExecutionSpec) -> EnvironmentKey {
        EnvironmentKey {
            pack: spec.code.is_none().then(|| spec.action.pack.clone()),
            runtime: spec.requirement.runtime.to_lowercase(),
            version: spec.requirement.version.as_ref().map_or_else(String::new, |version| version.as_str().to_owned()),
        }
    }

    /// Which claims must be held because their environment has to be made first.
    pub(crate) fn hold(&self) -> Hold {
        self.shelf().hold.clone()
    }

    /// The environment when it is ready: `Some(None)` when nothing is needed. Looks at the disk only for what nobody
    /// asked for before.
    pub(crate) fn ready(&self, key: &EnvironmentKey) -> Option<Option<Arc<ReadyEnvironment>>> {
        let known = self.shelf().known.get(key).cloned();
        match known {
            Some(Known::Nothing) => Some(None),
            Some(Known::Ready(environment, _)) => Some(Some(environment)),
            Some(Known::Missing) => None,
            None if key.pack.is_none() => Some(None),
            None => {
                let is_needed = self.preparer.needs(key).is_some();
                self.shelf().known.insert(key.clone(), if is_needed { Known::Missing } else { Known::Nothing });
                (!is_needed).then_some(None)
            }
        }
    }

    /// Notes what was made for what the pack asked for when `stamp` was taken.
    pub(crate) fn put(&self, key: EnvironmentKey, stamp: Option<Stamp>, environment: Option<Arc<ReadyEnvironment>>) {
        let known = environment.map_or(Known::Nothing, |environment| Known::Ready(environment, stamp));
        let mut shelf = self.shelf();
        shelf.known.insert(key, known);
        shelf.decide();
    }

    pub(crate) fn preparer(&self) -> Arc<dyn Preparer> {
        Arc::clone(&self.preparer)
    }

    /// Looks at the disk whether what is known still holds, for the packs as they are now.
    pub(crate) fn survey(&self, library: &Library) -> Survey {
        let actions: BTreeMap<String, EnvironmentKey> = library.packs().flat_map(keys_of).collect();
        let asked: Vec<EnvironmentKey> = self.shelf().known.keys().cloned().collect();
        let keys: BTreeSet<EnvironmentKey> = actions.values().cloned().chain(asked).collect();
        let needs: Vec<(EnvironmentKey, Option<Stamp>)> =
            keys.into_iter().map(|key| (key.clone(), self.preparer.needs(&key))).collect();
        let mut dropped = Vec::new();
        let mut shelf = self.shelf();
        shelf.actions = actions;
        for (key, stamp) in needs {
            let known = match (shelf.known.get(&key), stamp) {
                (_, None) => Known::Nothing,
                (Some(Known::Ready(environment, then)), Some(_))
                    if *then == stamp && self.preparer.is_good(environment) =>
                {
                    continue;
                }
                (_, Some(_)) => Known::Missing,
            };
            if let Some(Known::Ready(environment, _)) = shelf.known.insert(key, known) {
                dropped.push(environment.marker().fingerprint.clone());
            }
        }
        shelf.decide();
        let missing = shelf.known.iter().filter(|(_, known)| matches!(known, Known::Missing));
        let mut missing: Vec<EnvironmentKey> = missing.map(|(key, _)| key.clone()).collect();
        missing.sort();
        Survey { missing, dropped }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn decide(&mut self) {
        let missing = self
            .actions
            .iter()
            .filter(|(_, key)| !matches!(self.known.get(key), Some(Known::Nothing | Known::Ready(..))));
        let actions: BTreeSet<String> = missing.map(|(action, _)| action.clone()).collect();
        self.hold = if actions.is_empty() { Hold::Nothing } else { Hold::Actions(Arc::new(actions)) };
    }
}

/// What each action of a pack needs.
fn keys_of(pack: &attune_pack::Pack) -> Vec<(String, EnvironmentKey)> {
    let key = |action: &attune_types::ActionSpec| EnvironmentKey {
        pack: Some(pack.spec.pack_ref.clone()),
        runtime: action.runner_type.to_lowercase(),
        version: action.runtime_version.as_ref().map_or_else(String::new, |version| version.as_str().to_owned()),
    };
    pack.actions.iter().map(|action| (action.action_ref.to_string(), key(action))).collect()
}
