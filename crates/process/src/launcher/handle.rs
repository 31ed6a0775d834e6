//! The handle to a launcher.

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::Sender;

use super::connection::{Connection, NewGuard};
use super::link::Link;
use super::{Fence, LauncherProgram};
use crate::alarm;
use crate::child::{self, Child};
use crate::chunk::Chunk;
use crate::clock;
use crate::collected::{self, Collected};
use crate::command::Command;
use crate::guard_kind::GuardKind;
use crate::spawn_error::SpawnError;
use crate::wire::FromGuard;

/// How long a new guard may take. It takes a millisecond; a launcher that is stopped takes for ever.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pause before a launcher is asked again that so many others ask.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(5);

/// How many launchers are tried for one guard.
const MOST_LAUNCHERS: u32 = 3;

/// Starts children. Cheap to clone; the launcher ends when the last clone and the last [`Child`] are gone.
///
/// A launcher that ends, whatever ended it, is replaced at the next start.
#[derive(Debug, Clone)]
pub struct Launcher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    program: LauncherProgram,
    fence: Fence,
    connection: Mutex<Arc<Connection>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.connection.get_mut().unwrap_or_else(PoisonError::into_inner).close();
    }
}

/// A guard that is taken out for one execution. Dropped, it kills what it guards and ends.
#[derive(Debug)]
pub(crate) struct Lent {
    link: Link,
    connection: Arc<Connection>,
    /// Keeps the launcher while something runs.
    _launcher: Launcher,
}

impl Lent {
    pub(crate) const fn link(&self) -> &Link {
        &self.link
    }

    /// Has the guard killed, because it does not answer.
    pub(crate) fn end_guard(&self) {
        self.connection.end_guard(self.link.guard());
    }

    /// Nothing runs there any more: the guard waits for the next.
    pub(crate) fn give_back(self) {
        self.connection.give_back(self.link);
    }
}

/// Why there is no guard.
#[derive(Debug)]
pub(crate) enum NoGuard {
    /// There is no launcher.
    NoLauncher(io::Error),
    /// The launcher cannot make one now.
    Refused(io::Error),
}

impl Launcher {
    /// Starts a launcher.
    ///
    /// # Errors
    ///
    /// What the operating system said when the program could not be started; or that this process is a launcher itself.
    pub fn start(program: LauncherProgram) -> io::Result<Self> {
        let fence = Fence::new()?;
        let connection = Mutex::new(Connection::open(&program, &fence)?);
        Ok(Self { shared: Arc::new(Shared { program, fence, connection }) })
    }

    /// Starts `command`. Its output goes to `chunks` while [`Child::wait`] runs: bounded, so a slow receiver slows the
    /// child down instead of filling memory; a receiver that was dropped does not hold it up.
    ///
    /// Must be called inside a tokio runtime with I/O and time enabled. Giving up the future kills what was started.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] says why nothing was started.
    pub async fn spawn(&self, command: Command, chunks: Sender<Chunk>) -> Result<Child, SpawnError> {
        child::spawn(self, command, chunks).await
    }

    /// Runs `command` to its end and collects its output, at most [`Command::stdout`] and [`Command::stderr`] of it.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] says why nothing was started. How a child that did start ended is not an error.
    pub async fn run_to_end(&self, command: Command) -> Result<Collected, SpawnError> {
        collected::run_to_end(self, command).await
    }

    /// Puts off the moment at which everything that this launcher started has to be dead.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.shared.fence.clone()
    }

    /// The number of the launcher's process, for people who look at `ps`. Another one after a launcher was lost.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.shared.connection.lock().unwrap_or_else(PoisonError::into_inner).pid()
    }

    /// The launcher that runs; a new one when the last has ended.
    fn connection(&self) -> io::Result<Arc<Connection>> {
        let mut connection = self.shared.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if connection.is_over() {
            tracing::warn!(process.pid = connection.pid(), "the launcher has ended: starting another");
            *connection = Connection::open(&self.shared.program, &self.shared.fence)?;
        }
        Ok(Arc::clone(&connection))
    }

    /// A guard for one execution: one that waits, or a new one. `habit` stands for the file policy: writing its rules
    /// costs as much as the rest of a start, so the guard that has them is best.
    pub(crate) async fn lend(&self, kind: GuardKind, habit: u64) -> Result<Lent, NoGuard> {
        let lent = |link: Link, connection| Lent { link: link.with_habit(habit), connection, _launcher: self.clone() };
        let mut last = io::Error::from(io::ErrorKind::TimedOut);
        for _ in 0..MOST_LAUNCHERS {
            let connection = self.connection().map_err(NoGuard::NoLauncher)?;
            while let Some(idle) = connection.take_idle(kind, habit) {
                // One that cannot be listened to is dropped, and leaves.
                if let Ok(link) = idle.here() {
                    return Ok(lent(link, connection));
                }
            }
            match made_within_patience(&connection, kind).await {
                Some(Ok(made)) => {
                    let link = ready(&connection, made, kind).await.map_err(NoGuard::Refused)?;
                    return Ok(lent(link, connection));
                }
                Some(Err(error)) => return Err(NoGuard::Refused(error)),
                None => {
                    if !connection.is_over() {
                        tracing::error!(process.pid = connection.pid(), "the launcher does not answer: killed");
                        connection.kill();
                        connection.gone().await;
                    }
                    last = io::Error::from(io::ErrorKind::TimedOut);
                }
            }
        }
        Err(NoGuard::NoLauncher(last))
    }
}

/// Asks for a guard. `None`: the launcher is gone, or has said nothing to anybody for longer than it may.
async fn made_within_patience(connection: &Connection, kind: GuardKind) -> Option<io::Result<NewGuard>> {
    let asked = clock::boot();
    let mut made = pin!(made(connection, kind));
    let mut deadline = asked + PATIENCE;
    loop {
        tokio::select! {
            biased;
            made = &mut made => return made,
            () = alarm::until(Some(deadline)) => {}
        }
        // Many may have asked at once; as long as it answers anybody, it is at work.
        deadline = connection.last_heard().max(asked) + PATIENCE;
        if deadline <= clock::boot() {
            return None;
        }
    }
}

/// Asks for a guard until it is made.
async fn made(connection: &Connection, kind: GuardKind) -> Option<io::Result<NewGuard>> {
    loop {
        match connection.ask(kind) {
            Ok(answer) => return answer.await.ok(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::time::sleep(BETWEEN_QUESTIONS).await,
            Err(_) => return None,
        }
    }
}

/// Waits until a guard is ready.
async fn ready(connection: &Connection, made: NewGuard, kind: GuardKind) -> io::Result<Link> {
    let NewGuard { socket, guard, pid, fate } = made;
    let link = Link::new(socket, guard, pid, fate, kind)?;
    let answer = tokio::select! {
        biased;
        answer = link.receive() => answer,
        () = alarm::until(Some(clock::boot() + PATIENCE)) => {
            connection.end_guard(guard);
            None
        }
    };
    match answer {
        Some((FromGuard::Ready { .. }, _)) => Ok(link),
        // Lost before it began, which happens when memory is short.
        _ => Err(io::Error::from_raw_os_error(libc::EAGAIN)),
    }
}
