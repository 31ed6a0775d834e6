//! The runtimes of this worker: what was found at start, defined as the packs say now.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use attune_pack::Library;
use attune_runtime::{DetectOptions, Detection, Registry, with_builtin};
use attune_types::RuntimeSpec;

/// The interpreters that were found at start, and how scripts are started with them, which changes with the packs.
pub(crate) struct Runtimes {
    /// Those of other crates, which come before what packs declare.
    own: Vec<RuntimeSpec>,
    hints: Option<PathBuf>,
    /// `None`: somebody else made the registry, and it stays as it is.
    declared: Mutex<Option<Declared>>,
    registry: Mutex<Arc<Registry>>,
}

/// What packs declared when the registry was made.
struct Declared {
    library: Arc<Library>,
    runtimes: Vec<RuntimeSpec>,
}

impl Runtimes {
    /// Of a registry that stays as it is.
    pub(crate) fn fixed(registry: Registry) -> Self {
        Self { own: Vec::new(), hints: None, declared: Mutex::new(None), registry: Mutex::new(Arc::new(registry)) }
    }

    /// Of a registry that was made for what `library` declares, after `own`, with these hints.
    pub(crate) fn following(
        registry: Registry,
        library: Arc<Library>,
        own: Vec<RuntimeSpec>,
        hints: Option<PathBuf>,
    ) -> Self {
        let runtimes = library.runtimes().cloned().collect();
        let declared = Mutex::new(Some(Declared { library, runtimes }));
        Self { own, hints, declared, registry: Mutex::new(Arc::new(registry)) }
    }

    /// The registry as it is.
    pub(crate) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes up what `library` declares now; whether that changed anything. A definition that changed counts from the
    /// next execution on. An interpreter that no definition looked for at start is looked for at the next start.
    pub(crate) fn follow(&self, library: &Arc<Library>) -> bool {
        let mut declared = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(before) = declared.as_mut().filter(|before| !Arc::ptr_eq(&before.library, library)) else {
            return false;
        };
        before.library = Arc::clone(library);
        let runtimes: Vec<RuntimeSpec> = library.runtimes().cloned().collect();
        if runtimes == before.runtimes {
            return false;
        }
        before.runtimes.clone_from(&runtimes);
        let specs = with_builtin(self.own.iter().cloned().chain(runtimes).collect());
        let options = DetectOptions::new(specs, "").with_hints(self.hints.as_deref());
        let interpreters = self.registry().interpreters().to_vec();
        let registry = Registry::new(options.specs, Detection { interpreters, ..Detection::default() });
        *self.registry.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
        tracing::info!("definitions of runtimes changed");
        true
    }
}
