//! The connection to one guard.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::unix::AsyncFd;
use tokio::runtime::{Handle, Id};

use super::fate::Fate;
use crate::guard_kind::GuardKind;
use crate::system::{self, Watched};
use crate::wire::FromGuard;

/// The most bytes of one message from a guard; the texts in them are sentences.
const ROOM: usize = 16 << 10;

/// The connection to one guard. When it is dropped, the guard kills what it guards and ends.
///
/// It is registered with the runtime once, not once per execution. A launcher may be used from several runtimes, in
/// tests above all; a guard that comes to another one is registered there anew.
#[derive(Debug)]
pub(crate) struct Link {
    socket: AsyncFd<Watched<OwnedFd>>,
    runtime: Id,
    guard: u64,
    pid: i32,
    fate: Arc<Fate>,
    kind: GuardKind,
    runs: AtomicU64,
    habit: u64,
}

impl Link {
    /// Must be called inside a runtime.
    pub(super) fn new(socket: OwnedFd, guard: u64, pid: i32, fate: Arc<Fate>, kind: GuardKind) -> io::Result<Self> {
        system::set_nonblocking(&socket)?;
        let socket = system::watch(socket)?;
        Ok(Self { socket, runtime: Handle::current().id(), guard, pid, fate, kind, runs: AtomicU64::new(0), habit: 0 })
    }

    /// The same guard, to be listened to in the current runtime.
    pub(super) fn here(self) -> io::Result<Self> {
        let runtime = Handle::current().id();
        if self.runtime == runtime {
            return Ok(self);
        }
        let socket = system::watch(self.socket.into_inner().into_inner())?;
        Ok(Self { socket, runtime, ..self })
    }

    /// Number of the guard, unique for its launcher.
    pub(crate) const fn guard(&self) -> u64 {
        self.guard
    }

    /// Number of the guard's process.
    pub(crate) const fn pid(&self) -> i32 {
        self.pid
    }

    /// What it was asked to let itself in for.
    pub(super) const fn kind(&self) -> GuardKind {
        self.kind
    }

    /// A number for the file policy that it served last, and has rules for.
    pub(super) const fn habit(&self) -> u64 {
        self.habit
    }

    /// The same guard, about to serve the policy with this number.
    pub(super) fn with_habit(self, habit: u64) -> Self {
        Self { habit, ..self }
    }

    pub(crate) fn fate(&self) -> &Fate {
        &self.fate
    }

    /// How many executions it has been asked for.
    pub(super) fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// The number of the next execution.
    pub(crate) fn next_run(&self) -> u64 {
        self.runs.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Sends a message, from any thread.
    pub(crate) fn send(&self, message: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        system::send(self.socket.get_ref().as_fd(), message, descriptors)
    }

    /// The next message. `None`: the guard is gone, or no guard speaks there.
    pub(crate) async fn receive(&self) -> Option<(FromGuard, Vec<OwnedFd>)> {
        loop {
            // An error means that the runtime is shutting down.
            let mut ready = self.socket.readable().await.ok()?;
            let received = ready.try_io(|socket| {
                let mut buffer = [0_u8; ROOM];
                let received = system::receive(socket.get_ref().as_fd(), &mut buffer)?;
                let message = buffer.get(..received.length).filter(|bytes| !bytes.is_empty() && !received.is_cut);
                Ok(message.and_then(|bytes| FromGuard::read(bytes).ok()).map(|message| (message, received.descriptors)))
            });
            match received {
                Ok(Ok(message)) => return message,
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(_)) => return None,
                Err(_would_block) => {}
            }
        }
    }
}
