//! Runs the steps of a plan.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use attune_process::{Command, How, Launcher, OutputLimits, Sandbox, SpawnError, StopReason, clock};
use attune_runtime::CleanEnvironment;
use attune_runtime::environment::{EnvironmentPlan, Places, Step, ToolSettings, find_program, masked};
use attune_types::DetectedInterpreter;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use super::preparer::EnvironmentFailure;

/// How much of what the tools said goes with a failure.
const TAIL_BYTES: usize = 8 << 10;
/// How much of one stream of one step is kept in the log.
const LOG_BYTES: u64 = 10 << 20;
/// How long a check of a ready environment may take.
const CHECK_TIME: Duration = Duration::from_secs(60);
/// A volume with less room than this is called full when a tool fails on it.
const LITTLE_ROOM: u64 = 16 << 20;

/// Runs the steps of plans.
#[derive(Debug)]
pub(crate) struct StepRunner {
    pub(crate) launcher: Launcher,
    pub(crate) base: CleanEnvironment,
    pub(crate) settings: ToolSettings,
    /// How long one step may take.
    pub(crate) timeout: Duration,
}

/// Where the steps of one build work.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) places: Places,
    pub(crate) temporary: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) sandbox: Sandbox,
}

impl StepRunner {
    /// Runs every step, and the check at the end. `tell` hears the name of each step before it.
    pub(crate) async fn build(
        &self,
        plan: &EnvironmentPlan,
        site: &Site,
        tell: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<(), EnvironmentFailure> {
        let (pack_dir, target) = (plan.pack_dir.clone(), site.places.environment_dir.clone());
        let copies = plan.chosen.recipe.copies.clone();
        let copying = tokio::task::spawn_blocking(move || copy_all(&pack_dir, &target, &copies)).await;
        copying.map_err(io::Error::other).and_then(|copied| copied).map_err(|error| failure("copy", &error, site))?;
        let base = self.base_for(site);
        let steps = plan.steps(&site.places, &base, &self.settings);
        for step in steps.into_iter().chain(plan.check(&site.places, &base, &self.settings)) {
            tell(&step.name);
            self.run(step, site, self.timeout).await?;
        }
        Ok(())
    }

    /// Where a program lies: beside the interpreter, or on `PATH`.
    pub(crate) fn find(&self, interpreter: &DetectedInterpreter, name: &OsStr) -> Option<PathBuf> {
        let beside = Path::new(&interpreter.path).parent().unwrap_or(Path::new("/"));
        find_program(beside.as_os_str(), name).or_else(|| find_program(self.base.get("PATH").unwrap_or_default(), name))
    }

    /// Runs the check of a ready environment. `Ok(false)` when it says no.
    pub(crate) async fn check(&self, plan: &EnvironmentPlan, site: &Site) -> Result<bool, EnvironmentFailure> {
        let Some(step) = plan.check(&site.places, &self.base, &self.settings) else { return Ok(true) };
        if !step.is_found() || !step.program.exists() {
            return Ok(false);
        }
        match self.launcher.run_to_end(command(step, site, CHECK_TIME)).await {
            Ok(collected) => Ok(collected.ended.is_success()),
            Err(
                SpawnError::NotFound { .. }
                | SpawnError::InterpreterNotFound { .. }
                | SpawnError::PermissionDenied { .. }
                | SpawnError::NotExecutable { .. }
                | SpawnError::Directory { .. },
            ) => Ok(false),
            // The machine is to blame, not the environment: nothing is made again because of it.
            Err(error) => Err(failure("check", &error, site)),
        }
    }

    fn base_for(&self, site: &Site) -> CleanEnvironment {
        let mut base = self.base.clone();
        base.set("TMPDIR", site.temporary.clone().into());
        // Tools read settings from a home. One that is not there they would try to make, somewhere.
        if !base.get("HOME").is_some_and(|home| Path::new(home).is_dir()) {
            base.set("HOME", site.temporary.clone().into());
        }
        base
    }

    async fn run(&self, step: Step, site: &Site, timeout: Duration) -> Result<(), EnvironmentFailure> {
        let secrets = self.settings.secrets();
        let name = step.name.clone();
        let shown = masked(&shown(&step), &secrets);
        let mut log = Log::open(site, secrets).await.map_err(|error| failure(&name, &error, site))?;
        log.write(format!("== {name}: {shown}\n").as_bytes()).await;
        if !step.is_found() {
            let why = format!("{} is neither beside the interpreter nor on PATH", step.program.display());
            return Err(EnvironmentFailure { step: name, log: why });
        }
        let begun = clock::boot();
        let (sender, mut chunks) = mpsc::channel(16);
        let child = match self.launcher.spawn(command(step, site, timeout), sender).await {
            Ok(child) => child,
            Err(error) => {
                let said = format!("{}\n", chain(&error));
                log.write(said.as_bytes()).await;
                return Err(EnvironmentFailure { step: name, log: said });
            }
        };
        let writing = async {
            while let Some(chunk) = chunks.recv().await {
                log.write(&chunk.bytes).await;
            }
        };
        let (ended, ()) = tokio::join!(child.wait(), writing);
        if ended.is_success() {
            return Ok(());
        }
        let why = match (&ended.stopped_because, ended.how) {
            (Some(StopReason::TimedOut), _) => format!("it was still at work after {} s", timeout.as_secs()),
            (Some(StopReason::Fenced), _) => "the worker lost its lease".to_owned(),
            (Some(StopReason::Requested(why)), _) => why.clone(),
            (Some(StopReason::OutputLimit { .. }), _) => "it wrote too much".to_owned(),
            (None, How::Exited(code)) => format!("exit code {code}"),
            (None, How::Signaled(signal)) => format!("killed by signal {signal}"),
            (None, How::Unknown | How::GuardLost(_)) => "its guard was lost".to_owned(),
        };
        let seconds = clock::boot().saturating_sub(begun).as_secs();
        let room = room_words(&site.places.environment_dir);
        log.write(format!("== {name}: {why}, after {seconds} s{room}\n").as_bytes()).await;
        Err(EnvironmentFailure { step: name, log: log.tail() })
    }
}

fn command(step: Step, site: &Site, timeout: Duration) -> Command {
    let mut command = Command::new(step.program).arguments(step.arguments);
    command.environment = step.environment;
    command.directory = step.directory;
    command.timeout = Some(timeout);
    command.stdout = OutputLimits::of(LOG_BYTES);
    command.stderr = OutputLimits::of(LOG_BYTES);
    command.sandbox = site.sandbox.clone();
    command
}

/// A command as people would type it.
fn shown(step: &Step) -> String {
    let words = std::iter::once(step.program.clone().into_os_string()).chain(step.arguments.iter().cloned());
    let quoted = |word: OsString| {
        let word = word.to_string_lossy().into_owned();
        let plain = |character: char| character.is_ascii_alphanumeric() || "-_./=:,@+".contains(character);
        if word.chars().all(plain) && !word.is_empty() { word } else { format!("'{}'", word.replace('\'', "'\\''")) }
    };
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

/// The failure of a step in which nothing was run.
pub(crate) fn failure(step: &str, error: &dyn std::error::Error, site: &Site) -> EnvironmentFailure {
    let log = format!("{}{}", chain(error), room_words(&site.places.environment_dir));
    EnvironmentFailure { step: step.to_owned(), log }
}

/// An error with everything behind it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words = format!("{words}: {error}");
        source = error.source();
    }
    words
}

/// What to say about a volume on which a tool failed.
fn room_words(path: &Path) -> String {
    let there = path.ancestors().find(|path| path.exists()).unwrap_or(path);
    match rustix::fs::statvfs(there) {
        Ok(volume) if volume.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY) => {
            format!(" ({} can only be read)", there.display())
        }
        Ok(volume) if volume.f_bavail.saturating_mul(volume.f_frsize) < LITTLE_ROOM => {
            format!(" (the disk of {} is full)", there.display())
        }
        _ => String::new(),
    }
}

/// What the tools say, on disk and its end in memory.
struct Log {
    file: tokio::fs::File,
    tail: VecDeque<u8>,
    secrets: Vec<String>,
}

impl Log {
    async fn open(site: &Site, secrets: Vec<String>) -> io::Result<Self> {
        let file = tokio::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&site.log).await?;
        Ok(Self { file, tail: VecDeque::new(), secrets })
    }

    async fn write(&mut self, bytes: &[u8]) {
        let text = masked(&String::from_utf8_lossy(bytes), &self.secrets);
        self.tail.extend(text.as_bytes());
        let over = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..over);
        // A log that cannot be written is no reason to fail; what matters is in memory as well.
        let _lost = self.file.write_all(text.as_bytes()).await;
        let _lost = self.file.flush().await;
    }

    fn tail(&self) -> String {
        let bytes: Vec<u8> = self.tail.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if bytes.len() < TAIL_BYTES {
            return text;
        }
        // Not from the middle of a line.
        text.split_once('\n').map_or(text.clone(), |(_, rest)| format!("[...]\n{rest}"))
    }
}

/// Copies files and folders of a pack into an environment. Links are followed as long as they stay in the pack.
fn copy_all(pack_dir: &Path, target: &Path, copies: &[String]) -> io::Result<()> {
    let root = std::fs::canonicalize(pack_dir)?;
    let mut waiting: Vec<PathBuf> = copies.iter().map(PathBuf::from).collect();
    while let Some(relative) = waiting.pop() {
        let real = match std::fs::canonicalize(pack_dir.join(&relative)) {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if !real.starts_with(&root) {
            return Err(io::Error::other(format!("{} leads out of the pack", relative.display())));
        }
        let to = target.join(&relative);
        if real.is_dir() {
            std::fs::create_dir_all(&to)?;
            for entry in std::fs::read_dir(&real)? {
                waiting.push(relative.join(entry?.file_name()));
            }
        } else if real.is_file() {
            if let Some(folder) = to.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::copy(&real, &to)?;
        }
    }
    Ok(())
}
