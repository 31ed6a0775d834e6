//! Environments of packs, by the recipes of their runtimes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use attune_process::clock;
use attune_runtime::environment::{EnvironmentPlan, Identity, PackFiles, Places, choose};
use attune_runtime::{Program, with_image};
use attune_types::{DetectedInterpreter, Environment, EnvironmentSpec, EnvironmentState, Requirement, Timestamp};
use tokio::sync::Semaphore;

use super::preparer::{EnvironmentFailure, EnvironmentKey, Preparer, Stamp};
use super::slot::{BuildLock, Marker, ReadyEnvironment, Slot, size_of};
use super::step_runner::{Site, StepRunner, chain};
use super::teller::Teller;
use crate::execution::Planner;

/// How often somebody who waits for another's build looks.
const LOOK: Duration = Duration::from_millis(100);
/// How often it says that it still waits.
const SAY: Duration = Duration::from_secs(30);
/// The most entries of a folder of inputs that are looked at to see whether it changed.
const MOST_ENTRIES: usize = 1000;

/// What an environment depends on before anything is read.
struct Wanted {
    runtime: String,
    spec: EnvironmentSpec,
    interpreter: DetectedInterpreter,
    pack_dir: PathBuf,
}

/// Makes environments of packs on a volume that other workers may share.
pub(crate) struct PackPreparer {
    pub(crate) planner: Arc<Planner>,
    pub(crate) runner: StepRunner,
    pub(crate) volume: PathBuf,
    pub(crate) worker: String,
    pub(crate) teller: Teller,
    /// How many are built at once.
    pub(crate) at_once: Semaphore,
    /// Which environments this life has proved to work.
    pub(crate) proved: Mutex<BTreeMap<PathBuf, ()>>,
}

impl PackPreparer {
    /// What a key needs: the recipes, the interpreter and the pack's folder. `None` when nothing can be needed, or when
    /// there is no interpreter, which is said where it is missed.
    fn wanted(&self, key: &EnvironmentKey) -> Option<Wanted> {
        let pack = key.pack.as_deref()?;
        let library = self.planner.library_with(pack);
        let pack_dir = library.pack_dir(pack)?.to_path_buf();
        let version = (!key.version.is_empty()).then(|| key.version.parse().ok()).flatten();
        let requirement = Requirement { runtime: key.runtime.clone(), version, ..Requirement::default() };
        let resolved = self.planner.resolve(&library, &requirement).ok()?;
        let Program::Interpreter { path, .. } = &resolved.program else { return None };
        let mut interpreter = self.planner.interpreter(&resolved.spec.name, path)?;
        if interpreter.libc.is_none() && interpreter.architecture.is_empty() {
            // For a single script nobody looked into it. What is installed for it depends on it all the same.
            interpreter = with_image(interpreter, self.runner.base.get("PATH").unwrap_or_default());
        }
        if interpreter.version.is_empty() {
            // Nobody asked for its version: its file tells one apart from the next as well.
            let file = fs::metadata(path).ok()?;
            interpreter.version = format!("of {} bytes, {}.{}", file.size(), file.mtime(), file.mtime_nsec());
        }
        // An alias means the same environment.
        let runtime = resolved.spec.name.to_lowercase();
        Some(Wanted { runtime, spec: resolved.spec.environment?, interpreter, pack_dir })
    }

    /// What is to be made. Reads the pack's files.
    fn plan(&self, key: &EnvironmentKey) -> Result<Option<EnvironmentPlan>, EnvironmentFailure> {
        let failed = |error: &dyn std::error::Error| EnvironmentFailure { step: "plan".into(), log: chain(error) };
        let Some(Wanted { runtime, spec, interpreter, pack_dir }) = self.wanted(key) else { return Ok(None) };
        let Some(pack) = key.pack.clone() else { return Ok(None) };
        let files = PackFiles::read(&pack_dir, &spec).map_err(|error| failed(&error))?;
        let find = |name: &str| self.runner.find(&interpreter, name.as_ref());
        let Some(chosen) = choose(&spec, &files, &find).map_err(|error| failed(&error))? else { return Ok(None) };
        let identity = Identity {
            pack: &pack,
            runtime: &runtime,
            interpreter: &interpreter,
            files: &files,
            recipe: &chosen.recipe,
        };
        let fingerprint = identity.fingerprint();
        Ok(Some(EnvironmentPlan { pack, runtime, fingerprint, spec, chosen, interpreter, pack_dir }))
    }

    /// Where the steps for a generation work.
    fn site(&self, plan: &EnvironmentPlan, slot: &Slot, generation: u64) -> Site {
        let environment_dir = slot.generation(generation);
        let cache_dir = self.volume.join(".cache").join(plan.cache_name());
        let temporary = slot.temporary(generation);
        let own = [environment_dir.clone(), cache_dir.clone(), temporary.clone()];
        let sandbox = self.planner.sandboxes.of_building(&own);
        Site { places: Places { environment_dir, cache_dir }, temporary, log: slot.log(generation), sandbox }
    }

    async fn made(&self, plan: &EnvironmentPlan) -> Result<Arc<ReadyEnvironment>, EnvironmentFailure> {
        let slot = Slot::new(&self.volume, &plan.runtime, &plan.fingerprint);
        let unusable = |error: std::io::Error| self.unusable(&error, slot.directory());
        let mut waited = Duration::ZERO;
        loop {
            let broken = match slot.ready(&plan.fingerprint).map_err(unusable)? {
                Some(ready) if self.works(plan, &slot, &ready).await? => {
                    self.teller.tell(self.told(plan, &ready, None));
                    return Ok(ready);
                }
                Some(ready) => Some(ready.marker().clone()),
                None => None,
            };
            if let Some(lock) = slot.try_lock().map_err(unusable)? {
                // Whoever had the lock may have made it meanwhile.
                let marker = slot.marker().map_err(unusable)?;
                if let Some(marker) = marker.filter(|marker| marker.fingerprint == plan.fingerprint)
                    && broken.as_ref() != Some(&marker)
                    && slot.generation(marker.generation).is_dir()
                {
                    continue;
                }
                if broken.is_some() {
                    tracing::warn!(pack = plan.pack, runtime = plan.runtime, path = %slot.directory().display(), "an environment does not work any more; it is made again");
                }
                return self.build(plan, &slot, lock).await;
            }
            if waited.is_zero() {
                self.teller.tell(Environment { step: "waiting for another worker".into(), ..self.telling(plan) });
            }
            if waited.as_millis().is_multiple_of(SAY.as_millis()) {
                tracing::info!(
                    pack = plan.pack,
                    runtime = plan.runtime,
                    seconds = waited.as_secs(),
                    "waiting for the environment that another worker builds"
                );
            }
            tokio::time::sleep(LOOK).await;
            waited += LOOK;
        }
    }

    /// Whether a ready environment can be used: its interpreter is there, and its check says so. Asked once per life.
    async fn works(
        &self,
        plan: &EnvironmentPlan,
        slot: &Slot,
        ready: &ReadyEnvironment,
    ) -> Result<bool, EnvironmentFailure> {
        let directory = ready.directory().to_owned();
        if plan.program(&directory).is_some_and(|program| !program.exists()) {
            return Ok(false);
        }
        if self.proved().contains_key(&directory) {
            return Ok(true);
        }
        // It is to be used, not to be changed: nothing of it is the check's own.
        let site = Site {
            sandbox: self.planner.sandboxes.of_building(&[]),
            ..self.site(plan, slot, ready.marker().generation)
        };
        let works = self.runner.check(plan, &site).await?;
        if works {
            self.proved().insert(directory, ());
        }
        Ok(works)
    }

    async fn build(
        &self,
        plan: &EnvironmentPlan,
        slot: &Slot,
        lock: BuildLock,
    ) -> Result<Arc<ReadyEnvironment>, EnvironmentFailure> {
        let unusable = |error: std::io::Error| self.unusable(&error, slot.directory());
        let _turn = self.at_once.acquire().await;
        let generation = slot.begin(&lock).map_err(unusable)?;
        let site = self.site(plan, slot, generation);
        fs::create_dir_all(&site.places.cache_dir).map_err(unusable)?;
        let begun = clock::boot();
        let step = Mutex::new(String::new());
        let tell = |name: &str| {
            name.clone_into(&mut step.lock().unwrap_or_else(PoisonError::into_inner));
            tracing::info!(
                pack = plan.pack,
                runtime = plan.runtime,
                step = name,
                manifest = plan.chosen.manifest,
                "preparing an environment"
            );
            self.teller.tell(Environment { step: name.to_owned(), ..self.telling(plan) });
        };
        let built = self.runner.build(plan, &site, &tell).await;
        let took_ms = u64::try_from(clock::boot().saturating_sub(begun).as_millis()).unwrap_or(u64::MAX);
        if let Err(failure) = built {
            slot.abandon(&lock, generation);
            return Err(failure);
        }
        let marker = Marker {
            generation,
            fingerprint: plan.fingerprint.clone(),
            pack: plan.pack.clone(),
            runtime: plan.runtime.clone(),
            interpreter: shown(&plan.interpreter),
            manifest: plan.chosen.manifest.clone(),
            built_by: self.worker.clone(),
            built_at: clock::wall(),
            took_ms,
            size_bytes: size_of(&site.places.environment_dir),
        };
        let finishing = {
            let slot = slot.clone();
            tokio::task::spawn_blocking(move || {
                slot.finish(&lock, &marker)?;
                // What was used before goes when nobody uses it; its log tells nothing new.
                slot.sweep(&lock)?;
                slot.ready(&marker.fingerprint)
            })
        };
        let ready = finishing.await.map_err(std::io::Error::other).and_then(|finished| finished).map_err(unusable)?;
        let ready = ready.ok_or_else(|| EnvironmentFailure {
            step: "finish".into(),
            log: format!("{} was removed as soon as it was made", slot.directory().display()),
        })?;
        self.proved().insert(ready.directory().to_owned(), ());
        tracing::info!(pack = plan.pack, runtime = plan.runtime, took_ms, path = %ready.directory().display(), "environment ready");
        self.teller.tell(self.told(plan, &ready, Some(took_ms)));
        Ok(ready)
    }

    fn telling(&self, plan: &EnvironmentPlan) -> Environment {
        Environment {
            worker: self.worker.clone(),
            pack: plan.pack.clone(),
            runtime: plan.runtime.clone(),
            fingerprint: plan.fingerprint.clone(),
            state: EnvironmentState::Building,
            interpreter: shown(&plan.interpreter),
            directory: String::new(),
            size_bytes: None,
            took_ms: None,
            step: String::new(),
            log: String::new(),
            changed_at: Timestamp(0),
        }
    }

    fn told(&self, plan: &EnvironmentPlan, ready: &ReadyEnvironment, took_ms: Option<u64>) -> Environment {
        Environment {
            state: EnvironmentState::Ready,
            directory: ready.directory().display().to_string(),
            size_bytes: Some(ready.marker().size_bytes),
            took_ms,
            ..self.telling(plan)
        }
    }

    fn unusable(&self, error: &std::io::Error, path: &Path) -> EnvironmentFailure {
        let why = match error.kind() {
            std::io::ErrorKind::StorageFull => format!("the disk of {} is full", self.volume.display()),
            std::io::ErrorKind::ReadOnlyFilesystem => format!("{} can only be read", self.volume.display()),
            std::io::ErrorKind::PermissionDenied => {
                format!("{} may not be written to by this worker's user", path.display())
            }
            _ => format!("{}: {error}", path.display()),
        };
        EnvironmentFailure { step: "volume".into(), log: why }
    }

    fn proved(&self) -> std::sync::MutexGuard<'_, BTreeMap<PathBuf, ()>> {
        self.proved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shown(interpreter: &DetectedInterpreter) -> String {
    format!("{} {}", interpreter.path, interpreter.version).trim_end().to_owned()
}

#[async_trait]
impl Preparer for PackPreparer {
    fn needs(&self, key: &EnvironmentKey) -> Option<Stamp> {
        let Wanted { spec, interpreter, pack_dir, .. } = self.wanted(key)?;
        if !spec.manifests.iter().any(|manifest| pack_dir.join(manifest).is_file()) {
            return None;
        }
        let recipes = serde_json::to_string(&spec).unwrap_or_default();
        let copies = spec.recipes.iter().flat_map(|recipe| &recipe.copies);
        let mut waiting: Vec<PathBuf> =
            spec.manifests.iter().chain(&spec.inputs).chain(copies).map(|name| pack_dir.join(name)).collect();
        let mut seen = Vec::new();
        while let Some(path) = waiting.pop() {
            let Ok(metadata) = fs::metadata(&path) else { continue };
            if metadata.is_dir() {
                waiting.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
            }
            seen.push((path, metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec()));
            if seen.len() > MOST_ENTRIES {
                break;
            }
        }
        seen.sort();
        Some(Stamp::of(&(seen, recipes, interpreter.path, interpreter.version)))
    }

    async fn prepare(&self, key: &EnvironmentKey) -> Result<Option<Arc<ReadyEnvironment>>, EnvironmentFailure> {
        let Some(plan) = self.plan(key)? else { return Ok(None) };
        match self.made(&plan).await {
            Ok(ready) => Ok(Some(ready)),
            Err(failure) => {
                self.teller.tell(Environment {
                    state: EnvironmentState::Failed,
                    step: failure.step.clone(),
                    log: failure.log.clone(),
                    ..self.telling(&plan)
                });
                Err(failure)
            }
        }
    }

    fn is_good(&self, environment: &ReadyEnvironment) -> bool {
        environment.is_current()
    }
}
