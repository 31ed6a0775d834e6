//! The runtimes of this worker: what was found, defined as the packs say now.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use attune_pack::Library;
use attune_runtime::{DetectOptions, Detection, Registry, ResolveError, Resolved, stamp, with_builtin};
use attune_types::{Requirement, RuntimeSpec};

/// Where this worker looks for interpreters, whatever the packs declare.
#[derive(Debug, Clone, Default)]
pub(crate) struct Search {
    /// Runtimes of other crates, which come before what packs declare.
    pub(crate) own: Vec<RuntimeSpec>,
    /// What the image says about its interpreters; `None` means the usual places.
    pub(crate) hints: Option<PathBuf>,
    /// `PATH`.
    pub(crate) path: OsString,
    /// Only these runtimes; empty means whatever is found.
    pub(crate) wanted: Vec<String>,
}

impl Search {
    /// How to look for what `runtimes` declare. Reads the image's hints.
    pub(crate) fn options(&self, runtimes: &[RuntimeSpec]) -> DetectOptions {
        let specs = self.own.iter().chain(runtimes).cloned().collect();
        DetectOptions::new(with_builtin(specs), &self.path)
            .in_environment(std::env::vars_os())
            .with_hints(self.hints.as_deref())
            .wanting(&self.wanted)
    }
}

/// A look that has to be taken.
pub(crate) struct Look {
    pub(crate) options: DetectOptions,
    stamp: u64,
}

impl Look {
    /// The first look of a worker.
    pub(crate) fn first(search: &Search, library: &Library) -> Self {
        let options = search.options(&declared(library));
        let stamp = stamp(&options);
        Self { options, stamp }
    }
}

/// The interpreters that were found, and how scripts are started with them, which changes with the packs and with what is
/// installed.
pub(crate) struct Runtimes {
    /// `None`: somebody else made the registry, and it stays as it is.
    following: Option<(Search, Mutex<Followed>)>,
    current: Mutex<Current>,
}

/// What the registry was made of.
struct Followed {
    library: Arc<Library>,
    declared: Vec<RuntimeSpec>,
    /// What was looked for, and the state of the folders then.
    sought: Vec<RuntimeSpec>,
    stamp: u64,
}

/// What requirements are resolved by, and what they resolved to before: there are few, and each execution asks.
struct Current {
    registry: Arc<Registry>,
    resolved: HashMap<(String, String), Resolved>,
}

impl Current {
    fn new(registry: Registry) -> Self {
        Self { registry: Arc::new(registry), resolved: HashMap::new() }
    }
}

impl Runtimes {
    /// Of a registry that stays as it is.
    pub(crate) fn fixed(registry: Registry) -> Self {
        Self { following: None, current: Mutex::new(Current::new(registry)) }
    }

    /// Of what the first look for what `library` declares found.
    pub(crate) fn found(search: Search, library: Arc<Library>, look: Look, found: Detection) -> Self {
        let declared = declared(&library);
        let sought = look.options.specs.clone();
        let followed = Followed { library, declared, sought, stamp: look.stamp };
        let current = Mutex::new(Current::new(Registry::new(look.options.specs, found)));
        Self { following: Some((search, Mutex::new(followed))), current }
    }

    /// The registry as it is.
    pub(crate) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.current().registry)
    }

    /// What serves a requirement here.
    ///
    /// # Errors
    /// [`ResolveError`] says what is missing.
    pub(crate) fn resolve(&self, requirement: &Requirement) -> Result<Resolved, ResolveError> {
        let constraint = requirement.version.as_ref().map_or("", |version| version.as_str());
        let key = (requirement.runtime.clone(), constraint.to_owned());
        let mut current = self.current();
        if let Some(resolved) = current.resolved.get(&key) {
            return Ok(resolved.clone());
        }
        let resolved = current.registry.resolve(requirement)?;
        current.resolved.insert(key, resolved.clone());
        Ok(resolved)
    }

    /// Takes up what `library` declares now. A definition that changed counts from the next execution on; interpreters
    /// that nobody looked for before are found by the next [look](Self::due).
    pub(crate) fn follow(&self, library: &Arc<Library>) {
        let Some((search, followed)) = &self.following else { return };
        let mut followed = lock(followed);
        if Arc::ptr_eq(&followed.library, library) {
            return;
        }
        followed.library = Arc::clone(library);
        let runtimes = declared(library);
        if runtimes == followed.declared {
            return;
        }
        let specs = search.options(&runtimes).specs;
        followed.declared = runtimes;
        let interpreters = self.registry().interpreters().to_vec();
        *self.current() = Current::new(Registry::new(specs, Detection { interpreters, ..Detection::default() }));
        tracing::info!("definitions of runtimes changed");
    }

    /// The look that has to be taken because there may be other interpreters than before: another definition, or a change
    /// in one of the folders that they lie in. Reads the disk and runs nothing.
    pub(crate) fn due(&self) -> Option<Look> {
        let (search, followed) = self.following.as_ref()?;
        let followed = lock(followed);
        let options = search.options(&followed.declared);
        let stamp = stamp(&options);
        (stamp != followed.stamp || options.specs != followed.sought).then_some(Look { options, stamp })
    }

    /// Takes up what a look found; the registry, when that is another than before.
    ///
    /// What was there before and does not answer this time stays as long as its file does and its definition is the same:
    /// a machine that is busy for a moment must not cost a worker its runtimes.
    pub(crate) fn take_up(&self, look: Look, mut found: Detection) -> Option<Arc<Registry>> {
        let (search, followed) = self.following.as_ref()?;
        let mut followed = lock(followed);
        let specs = look.options.specs;
        let before = self.registry();
        for known in before.interpreters() {
            let of = |specs: &[RuntimeSpec]| -> Vec<RuntimeSpec> {
                specs.iter().filter(|spec| spec.name.eq_ignore_ascii_case(&known.runtime)).cloned().collect()
            };
            let is_found = found.interpreters.iter().any(|one| one.runtime == known.runtime && one.path == known.path);
            let is_there = PathBuf::from(&known.real_path).is_file();
            if !is_found && is_there && of(&specs) == of(&followed.sought) {
                found.interpreters.push(known.clone());
            }
        }
        followed.sought.clone_from(&specs);
        followed.stamp = look.stamp;
        if found.interpreters == before.interpreters() {
            return None;
        }
        // Packs may have changed while everybody was asked for a version.
        let specs = search.options(&followed.declared).specs;
        *self.current() = Current::new(Registry::new(specs, found));
        Some(self.registry())
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        lock(&self.current)
    }
}

fn declared(library: &Library) -> Vec<RuntimeSpec> {
    library.runtimes().cloned().collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
