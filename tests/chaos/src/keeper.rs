//! One program, started again when it ends: what a service manager does.

use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use attune_process::clock;

/// How long a service manager waits before it starts a program again.
const PAUSE: Duration = Duration::from_millis(300);

/// An end of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exit {
    /// Exit code, or 128 + the signal.
    pub(crate) code: i32,
    /// When it was seen, in microseconds since 1970.
    pub(crate) at_us: i64,
    /// Whether a fault asked for it.
    pub(crate) ordered: bool,
}

/// What to start.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) directory: PathBuf,
    pub(crate) log: PathBuf,
}

#[derive(Debug)]
struct Life {
    child: Option<Child>,
    /// Whether it is started again when it ends.
    wanted: bool,
    /// Whether its next end was asked for.
    ordered: bool,
    ended: Option<Instant>,
    starts: u32,
    exits: Vec<Exit>,
}

/// A program and whoever keeps it running.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) label: String,
    recipe: Mutex<Recipe>,
    life: Mutex<Life>,
}

impl Keeper {
    pub(crate) fn new(label: &str, recipe: Recipe) -> Self {
        let life = Life { child: None, wanted: false, ordered: false, ended: None, starts: 0, exits: Vec::new() };
        Self { label: label.to_owned(), recipe: Mutex::new(recipe), life: Mutex::new(life) }
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recipe(&self) -> MutexGuard<'_, Recipe> {
        self.recipe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes how it is started the next time.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Recipe)) {
        change(&mut self.recipe());
    }

    /// How it is started.
    pub(crate) fn recipe_now(&self) -> Recipe {
        self.recipe().clone()
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.recipe().log.clone()
    }

    /// Starts it, and from now on again whenever it ends.
    pub(crate) fn start(&self) -> io::Result<()> {
        let mut life = self.life();
        life.wanted = true;
        if life.child.is_none() {
            let child = spawn(&self.recipe())?;
            life.child = Some(child);
            life.starts += 1;
            life.ordered = false;
        }
        Ok(())
    }

    /// Notices an end, and starts it again when the pause is over.
    pub(crate) fn tick(&self) {
        let mut life = self.life();
        let now = Instant::now();
        if let Some(child) = &mut life.child
            && let Ok(Some(status)) = child.try_wait()
        {
            let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
            let ordered = std::mem::take(&mut life.ordered);
            life.exits.push(Exit { code, at_us: clock::wall(), ordered });
            (life.child, life.ended) = (None, Some(now));
        }
        let due = life.ended.is_none_or(|ended| now.duration_since(ended) >= PAUSE);
        if life.wanted && life.child.is_none() && due && life.starts > 0 {
            match spawn(&self.recipe()) {
                Ok(child) => {
                    life.child = Some(child);
                    life.starts += 1;
                    life.ordered = false;
                }
                Err(error) => eprintln!("{} cannot be started again: {error}", self.label),
            }
        }
    }

    /// Its process id, when it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.life().child.as_ref().map(Child::id)
    }

    /// Sends a signal that does not end it, or whose end nobody will be surprised at.
    pub(crate) fn signal(&self, signal: i32) {
        let mut life = self.life();
        if signal != libc::SIGSTOP && signal != libc::SIGCONT {
            life.ordered = true;
        }
        if let Some(child) = &life.child {
            send(child.id(), signal);
        }
    }

    /// Whether its next end is no surprise.
    pub(crate) fn expect_end(&self) {
        self.life().ordered = true;
    }

    /// Kills it; it is started again.
    pub(crate) fn kill(&self) {
        self.signal(libc::SIGKILL);
    }

    /// Does not start it again until [`start`](Self::start).
    pub(crate) fn retire(&self) {
        self.life().wanted = false;
    }

    pub(crate) fn exits(&self) -> Vec<Exit> {
        self.life().exits.clone()
    }

    /// Waits until it is down.
    pub(crate) async fn down(&self, within: Duration) -> bool {
        let begun = Instant::now();
        while self.pid().is_some() {
            if begun.elapsed() > within {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            self.tick();
        }
        true
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let mut life = self.life();
        if let Some(child) = &mut life.child {
            send(child.id(), libc::SIGCONT);
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Sends a signal to a process that is known to be ours.
pub(crate) fn send(pid: u32, signal: i32) {
    if let Ok(pid) = libc::pid_t::try_from(pid)
        && pid > 1
    {
        // SAFETY: kill has no memory effects; the process is one of this run's, found by handle or by its own mark.
        unsafe { libc::kill(pid, signal) };
    }
}

#[expect(clippy::disallowed_methods, reason = "the programs under test are not children of an Attune worker")]
fn spawn(recipe: &Recipe) -> io::Result<Child> {
    let output = File::options().create(true).append(true).open(&recipe.log)?;
    let mut command = Command::new(&recipe.program);
    command.args(&recipe.arguments).env_clear().current_dir(&recipe.directory);
    for name in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.envs(recipe.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    command.spawn()
}

/// Runs a tool to its end and answers what it printed.
///
/// # Errors
/// When it cannot be started or fails; the message is what it said.
#[expect(clippy::disallowed_methods, reason = "a tool of the harness, not an action")]
pub(crate) fn tool(program: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}
