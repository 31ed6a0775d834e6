//! From the work of a claim to the command that does it.

use std::collections::BTreeSet;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use attune_artifacts::HarvestLimits;
use attune_pack::Library;
use attune_process::{Command, OutputLimits};
use attune_runtime::{CleanEnvironment, ResolveError, Resolved, Script};
use attune_secret::Opened;
use attune_store::Claimed;
use attune_types::{DetectedInterpreter, ExecutionSpec, Outcome, ParameterDelivery, ParameterFormat, Requirement};
use serde_json::{Map, Value};

use super::environment::{Places, WorkerVariables};
use super::given;
use super::result::ResultRules;
use super::run::RunPlan;
use super::work_area::{WorkArea, WorkAreas};
use crate::artifacts::{ArtifactStore, Keeping};
use crate::executions::Key;
use crate::helper::HelperPlaces;
use crate::limits;
use crate::packs::Packs;
use crate::redaction::Redaction;
use crate::runtimes::Runtimes;
use crate::sandbox::Sandboxes;

/// From the work of a claim to the command that does it.
pub(crate) struct Planner {
    pub(crate) packs: Packs,
    pub(crate) runtimes: Runtimes,
    pub(crate) areas: WorkAreas,
    pub(crate) helper: HelperPlaces,
    pub(crate) artifacts: Arc<dyn ArtifactStore>,
    /// How much is kept of the files of one attempt.
    pub(crate) harvest: HarvestLimits,
    /// Whether an attempt that writes too much has failed, whatever it says itself.
    pub(crate) fails_over_limit: bool,
    /// Where output waits for the end of its attempt, when it is not to be stored before.
    pub(crate) held: Option<PathBuf>,
    pub(crate) child_environment: CleanEnvironment,
    pub(crate) sandboxes: Sandboxes,
    pub(crate) variables: WorkerVariables,
    pub(crate) grace: Duration,
    pub(crate) stdout: OutputLimits,
    pub(crate) stderr: OutputLimits,
}

impl Planner {
    /// What to run for `work`, with its files in place.
    ///
    /// # Errors
    /// The outcome of an execution that cannot be started.
    pub(crate) fn plan(
        &self,
        key: Key,
        work: &Claimed,
        opened: &Opened,
        environment: Option<&Path>,
    ) -> Result<RunPlan, Outcome> {
        let spec = &work.spec;
        let library = self.library_for(spec);
        let resolved = self.resolve(&library, &spec.requirement)?;
        let mut area = self.areas.area(key);
        let demanded = spec.requirement.sandbox;
        let own = self.enclosed(demanded, &mut area)?;
        let (path, pack_dir) = script(&library, spec, &mut area)?;
        let keeping = if spec.artifacts.is_empty() {
            None
        } else {
            let directory = area.artifacts_dir.clone();
            area.make_artifacts_dir().map_err(|error| not_writable(&directory, &error))?;
            let (store, rules) = (Arc::clone(&self.artifacts), spec.artifacts.clone());
            Some(Keeping { store, directory, rules, limits: self.harvest, stored: BTreeSet::new() })
        };
        let script = Script {
            path,
            arguments: Vec::new(),
            pack_dir: pack_dir.clone(),
            environment_dir: environment.map(Path::to_path_buf),
        };
        let mut command = self.runtimes.registry().command_for(&resolved, &script, &self.child_environment);
        let places = Places {
            pack_dir: pack_dir.as_deref(),
            artifacts_dir: area.artifacts_dir.clone(),
            result_file: &area.result_file,
        };
        command.environment.extend(self.variables.of(key, work, places));
        self.helper.announce(&mut command.environment);
        if own.is_some() && self.sandboxes.hides_temporary() {
            let made = area.make_temporary_dir();
            let directory = made.map_err(|error| not_writable(Path::new(".tmp"), &error))?;
            command.environment.retain(|(name, _)| name != "TMPDIR");
            command.environment.push(("TMPDIR".into(), directory.into()));
        }
        command.sandbox = self.sandboxes.of(demanded, own.as_deref());
        command.has_helper_socket = self.helper.has_program();
        deliver(&mut command, spec, &given::parameters(work, opened), &mut area)?;
        let line = given::line(work, opened)?;
        if !line.is_empty() {
            command.input.splice(..0, line);
        }
        command.timeout = Some(Duration::from_millis(spec.timeout_ms));
        command.grace = self.grace;
        command.limits = limits::of_action(&spec.resources);
        command.stdout = self.stdout;
        command.stderr = self.stderr;
        let held = self.held.as_ref().map(|directory| directory.join(key.to_string()));
        let rules = ResultRules { format: spec.output_format, schema: spec.output_schema.clone() };
        Ok(RunPlan {
            command,
            rules,
            limit_ms: spec.timeout_ms,
            area,
            keeping,
            fails_over_limit: self.fails_over_limit,
            held,
            calls: None,
            redaction: Redaction::default(),
            output_seal: None,
        })
    }

    /// The directory that is the attempt's own, when its sandbox leaves it no other to write to.
    fn enclosed(&self, demanded: Option<u8>, area: &mut WorkArea) -> Result<Option<PathBuf>, Outcome> {
        if !self.sandboxes.restricts_files(demanded) {
            return Ok(None);
        }
        let own = area.enclose().map_err(|error| not_writable(Path::new("its own directory"), &error))?;
        Ok(Some(own.to_owned()))
    }

    /// The packs as they are now. Reads the disk now and then.
    pub(crate) fn library(&self) -> Arc<Library> {
        self.packs.library()
    }

    /// The packs for somebody who needs this one. Reads the disk when it is not known.
    pub(crate) fn library_with(&self, pack: &str) -> Arc<Library> {
        self.packs.library_with(pack)
    }

    fn library_for(&self, spec: &ExecutionSpec) -> Arc<Library> {
        if spec.code.is_some() { self.library() } else { self.library_with(&spec.action.pack) }
    }

    /// The interpreter that lies at `path`, as it was found for a runtime.
    pub(crate) fn interpreter(&self, runtime: &str, path: &Path) -> Option<DetectedInterpreter> {
        let is_meant = |found: &&DetectedInterpreter| {
            found.runtime.eq_ignore_ascii_case(runtime) && Path::new(&found.path) == path
        };
        self.runtimes.registry().interpreters().iter().find(is_meant).cloned()
    }

    /// What serves a requirement here, as these packs define it.
    ///
    /// # Errors
    /// The outcome of an execution that asks for it.
    pub(crate) fn resolve(&self, library: &Arc<Library>, requirement: &Requirement) -> Result<Resolved, Outcome> {
        self.runtimes.follow(library);
        self.runtimes.resolve(requirement).map_err(|error| match error {
            ResolveError::NoInterpreter { runtime, .. } => Outcome::InterpreterMissing { name: runtime },
            other => Outcome::InterpreterMissing { name: format!("{}: {other}", requirement.runtime) },
        })
    }
}

/// The script of an action, and the folder of its pack when it comes from one.
fn script(library: &Library, spec: &ExecutionSpec, area: &mut WorkArea) -> Result<(PathBuf, Option<PathBuf>), Outcome> {
    if let Some(code) = &spec.code {
        if !is_plain_name(&code.name) {
            return Err(not_executable(format!("{:?} is not a file name", code.name)));
        }
        let path = area
            .write(&code.name, code.content.as_bytes(), 0o700)
            .map_err(|error| not_writable(Path::new(&code.name), &error))?;
        return Ok((path, None));
    }
    let pack = &spec.action.pack;
    let directory = library.pack_dir(pack).ok_or_else(|| {
        let searched: Vec<String> = library.searched().iter().map(|path| path.display().to_string()).collect();
        not_executable(format!("pack {pack} is not on this worker (searched {})", searched.join(", ")))
    })?;
    let relative = Path::new(&spec.entry_point);
    if !relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(not_executable(format!("entry point {:?} leads out of its pack", spec.entry_point)));
    }
    let path = directory.join("actions").join(relative);
    if !path.is_file() {
        return Err(not_executable(format!("entry point {} does not exist", path.display())));
    }
    Ok((path, Some(directory.to_path_buf())))
}

/// Puts the parameters where the action expects them. Data never becomes code, and the value of a secret parameter
/// never stands in the environment, where every process of the same user could read it, nor in a file, where it would lie
/// on a disk: an action that takes its parameters from there finds the secret ones on standard input, in its format.
fn deliver(
    command: &mut Command,
    spec: &ExecutionSpec,
    parameters: &Map<String, Value>,
    area: &mut WorkArea,
) -> Result<(), Outcome> {
    let refused = |error: attune_pack::RenderError| not_executable(error.to_string());
    let divided = || -> (Map<String, Value>, Map<String, Value>) {
        parameters.clone().into_iter().partition(|(name, _)| spec.secret_parameters.contains(name))
    };
    match spec.parameter_delivery {
        ParameterDelivery::Stdin => {
            command.input = attune_pack::render(spec.parameter_format, parameters).map_err(refused)?;
        }
        ParameterDelivery::File => {
            let name = match spec.parameter_format {
                ParameterFormat::Json => "parameters.json",
                ParameterFormat::Yaml => "parameters.yaml",
                ParameterFormat::Dotenv => "parameters.env",
            };
            let (secret, open) = divided();
            let text = attune_pack::render(spec.parameter_format, &open).map_err(refused)?;
            if !secret.is_empty() {
                command.input = attune_pack::render(spec.parameter_format, &secret).map_err(refused)?;
            }
            let path = area.write(name, &text, 0o600).map_err(|error| not_writable(Path::new(name), &error))?;
            command.environment.push(("ATTUNE_PARAMETERS_FILE".into(), path.into()));
        }
        ParameterDelivery::Env => {
            let (secret, open) = divided();
            for (name, value) in attune_pack::environment(&open).map_err(refused)? {
                command.environment.push((name.into(), value.into()));
            }
            if !secret.is_empty() {
                command.input = attune_pack::render(spec.parameter_format, &secret).map_err(refused)?;
            }
        }
    }
    Ok(())
}

fn is_plain_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
}

const fn not_executable(reason: String) -> Outcome {
    Outcome::NotExecutable { reason }
}

fn not_writable(path: &Path, error: &io::Error) -> Outcome {
    if error.kind() == io::ErrorKind::StorageFull {
        return Outcome::DiskFull { path: path.display().to_string() };
    }
    not_executable(format!("{} cannot be written: {error}", path.display()))
}
