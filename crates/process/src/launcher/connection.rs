//! The connection to a running launcher.

use std::collections::HashMap;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::fate::Fate;
use super::link::Link;
use super::{Fence, LauncherProgram};
use crate::clock;
use crate::guard_kind::GuardKind;
use crate::guard_loss::GuardLoss;
use crate::nursery;
use crate::system;
use crate::wire::{FromLauncher, ToLauncher, VERSION};

/// How many executions a guard serves before it makes room for a fresh one.
const MOST_RUNS: u64 = 10_000;

/// How many guards of a kind wait for work.
const MOST_IDLE: usize = 64;

/// How long a launcher may take to end when nobody needs it any more; it has trees to kill.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

/// A fresh guard.
#[derive(Debug)]
pub(super) struct NewGuard {
    pub(super) socket: OwnedFd,
    pub(super) guard: u64,
    pub(super) pid: i32,
    pub(super) fate: Arc<Fate>,
}

/// The connection to a running launcher. A thread listens to it: what it says concerns everybody, whatever runtime they
/// are in, and may come when there is no runtime any more.
#[derive(Debug)]
pub(super) struct Connection {
    control: OwnedFd,
    pidfd: OwnedFd,
    pid: i32,
    books: Mutex<Books>,
    over: Notify,
}

#[derive(Debug, Default)]
struct Books {
    /// Nothing comes from there any more.
    is_over: bool,
    next_request: u64,
    waiting: HashMap<u64, oneshot::Sender<io::Result<NewGuard>>>,
    fates: HashMap<u64, Arc<Fate>>,
    idle: [Vec<Link>; GuardKind::ALL.len()],
    last_heard: Duration,
}

impl Connection {
    /// Starts a launcher.
    pub(super) fn open(program: &LauncherProgram, fence: &Fence) -> io::Result<Arc<Self>> {
        let own;
        let path = match program {
            LauncherProgram::Own => {
                own = system::own_program();
                own.as_path()
            }
            LauncherProgram::At(path) => path,
        };
        let text = |bytes: &[u8]| CString::new(bytes).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL));
        let (here, there) = system::socket_pair()?;
        let arguments = [text(nursery::NAME.as_bytes())?, text(format!("{}{VERSION}", nursery::ARGUMENT).as_bytes())?];
        if std::env::args_os().next().is_some_and(|name| name == nursery::NAME) {
            // A program that was started as a launcher and begins to start launchers would do so for ever.
            return Err(io::Error::other("this program does not begin with serve_as_launcher_if_asked"));
        }
        // Nothing of this process's environment, which may hold secrets, but what its loader may need to find libraries.
        let environment: Vec<CString> = std::env::var_os("LD_LIBRARY_PATH")
            .map(|value| text(&[b"LD_LIBRARY_PATH=", value.as_bytes()].concat()))
            .into_iter()
            .collect::<io::Result<_>>()?;
        let program = text(path.as_os_str().as_bytes())?;
        let pid = system::start_program(&program, &arguments, &environment, [there.as_fd(), fence.file()])?;
        drop(there);
        let pidfd = system::pidfd_open(pid)?;
        let connection = Arc::new(Self { control: here, pidfd, pid, books: Mutex::default(), over: Notify::new() });
        let listener = Arc::clone(&connection);
        std::thread::Builder::new().name("attune-launcher".into()).spawn(move || listener.listen()).inspect_err(
            |_| {
                connection.kill();
            },
        )?;
        Ok(connection)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // Nothing under this lock can panic half-way through a change.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of the launcher's process.
    pub(super) const fn pid(&self) -> i32 {
        self.pid
    }

    pub(super) fn is_over(&self) -> bool {
        self.books().is_over
    }

    /// Waits until nothing comes from there any more.
    pub(super) async fn gone(&self) {
        let over = self.over.notified();
        if !self.is_over() {
            over.await;
        }
    }

    /// A guard that waits for work; one that has the rules of this policy already, if there is one.
    pub(super) fn take_idle(&self, kind: GuardKind, habit: u64) -> Option<Link> {
        let mut books = self.books();
        let idle = &mut books.idle[usize::from(kind.number())];
        match idle.iter().rposition(|link| link.habit() == habit) {
            Some(at) => Some(idle.remove(at)),
            None => idle.pop(),
        }
    }

    /// Lets a guard wait for the next execution, unless it has served long enough.
    pub(super) fn give_back(&self, link: Link) {
        if link.runs() >= MOST_RUNS {
            return;
        }
        let mut books = self.books();
        let is_wanted = !books.is_over && books.fates.contains_key(&link.guard());
        let idle = &mut books.idle[usize::from(link.kind().number())];
        if is_wanted && idle.len() < MOST_IDLE {
            idle.push(link);
        }
    }

    /// Asks for a new guard.
    ///
    /// # Errors
    ///
    /// When it cannot be asked; with [`io::ErrorKind::WouldBlock`] because so many others ask that it may be later.
    pub(super) fn ask(&self, kind: GuardKind) -> io::Result<oneshot::Receiver<io::Result<NewGuard>>> {
        let (sender, receiver) = oneshot::channel();
        let mut books = self.books();
        if books.is_over {
            return Err(io::Error::from(io::ErrorKind::NotConnected));
        }
        let request = books.next_request;
        let message = ToLauncher::NewGuard { request, kind }.write();
        system::send(self.control.as_fd(), &message, &[])?;
        books.next_request += 1;
        books.waiting.insert(request, sender);
        Ok(receiver)
    }

    /// When the launcher was last heard of, on [`clock::boot`].
    pub(super) fn last_heard(&self) -> Duration {
        self.books().last_heard
    }

    /// Has a guard killed that does not answer, with everything that it guards.
    pub(super) fn end_guard(&self, guard: u64) {
        if let Some(fate) = self.books().fates.get(&guard) {
            fate.tell_cause(GuardLoss::Unresponsive);
        }
        // Not sent: it is over, and the guard sees that too.
        drop(system::send(self.control.as_fd(), &ToLauncher::EndGuard { guard }.write(), &[]));
    }

    /// Kills the launcher, which takes everything with it.
    pub(super) fn kill(&self) {
        // An error means that it has ended.
        drop(system::pidfd_signal(self.pidfd.as_fd(), libc::SIGKILL));
    }

    /// Lets the launcher end. It takes everything with it.
    pub(super) fn close(&self) {
        system::shut_down(self.control.as_fd());
    }

    /// Listens until the launcher is gone, and reaps it.
    fn listen(&self) {
        let mut buffer = [0_u8; 256];
        loop {
            let received = match system::receive(self.control.as_fd(), &mut buffer) {
                Ok(received) if received.length > 0 => received,
                _ => break,
            };
            let message = buffer.get(..received.length).map(FromLauncher::read);
            let Some(Ok(message)) = message else { break };
            self.hear(message, received.descriptors.into_iter().next());
        }
        self.be_over();
    }

    fn hear(&self, message: FromLauncher, descriptor: Option<OwnedFd>) {
        let mut books = self.books();
        books.last_heard = clock::boot();
        match message {
            FromLauncher::Guard { request, guard, pid } => {
                let (Some(socket), Some(waiting)) = (descriptor, books.waiting.remove(&request)) else { return };
                let fate = Arc::new(Fate::default());
                books.fates.insert(guard, Arc::clone(&fate));
                // Nobody waits any more: the socket is closed, and the guard leaves.
                drop(waiting.send(Ok(NewGuard { socket, guard, pid, fate })));
            }
            FromLauncher::NoGuard { request, errno } => {
                if let Some(waiting) = books.waiting.remove(&request) {
                    drop(waiting.send(Err(io::Error::from_raw_os_error(errno))));
                }
            }
            FromLauncher::GuardGone { guard, signal, code, left } => {
                if left > 0 {
                    tracing::error!(guard, left, "processes of a lost guard cannot be killed");
                }
                let idle = books.idle.iter_mut().find_map(|idle| {
                    let place = idle.iter().position(|link| link.guard() == guard)?;
                    Some(idle.swap_remove(place))
                });
                if let Some(fate) = books.fates.remove(&guard) {
                    fate.tell(if signal == 0 { GuardLoss::Exited(code) } else { GuardLoss::Killed(signal) });
                }
                drop(books);
                drop(idle);
            }
        }
    }

    fn be_over(&self) {
        let (waiting, fates, idle) = {
            let mut books = self.books();
            books.is_over = true;
            let Books { waiting, fates, idle, .. } = &mut *books;
            (std::mem::take(waiting), std::mem::take(fates), std::mem::take(idle))
        };
        for fate in fates.into_values() {
            fate.tell(GuardLoss::LauncherGone);
        }
        drop((waiting, idle));
        self.over.notify_waiters();
        // Whatever ended the connection: there is no use for a launcher that nobody listens to.
        self.close();
        let has_ended = system::wait_readable([Some(self.pidfd.as_fd())], Some(LAST_PATIENCE));
        if !matches!(has_ended, Ok([true])) {
            self.kill();
        }
        if let Err(error) = system::reap(self.pidfd.as_fd()) {
            // Somebody else in this process waits for any child.
            tracing::debug!(%error, process.pid = self.pid, "a launcher could not be reaped");
        }
    }
}
