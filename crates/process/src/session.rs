//! A tree of processes held together by the session it was born into.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Mutex, PoisonError};

use crate::process_table::{self, Entry};
use crate::survivor::Survivor;
use crate::system;
use crate::system::old::Reaped;

/// A child that leads a session and a process group of its own.
///
/// Its number stays taken for as long as it is not reaped, even after its end. So every use of the bare number happens
/// under the lock that reaping takes, and none afterwards except to compare it with the session numbers in `/proc`.
#[derive(Debug)]
pub(crate) struct Session {
    pid: i32,
    pidfd: OwnedFd,
    /// `NAME=value` in the environment of every descendant, if there is such a thing.
    marker: Option<Vec<u8>>,
    reaped: Mutex<bool>,
}

impl Session {
    pub(crate) const fn new(pid: i32, pidfd: OwnedFd, marker: Option<Vec<u8>>) -> Self {
        Self { pid, pidfd, marker, reaped: Mutex::new(false) }
    }

    pub(crate) const fn pid(&self) -> i32 {
        self.pid
    }

    pub(crate) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Runs `act` while the number is certainly ours; not at all once the child was reaped.
    fn while_ours(&self, act: impl FnOnce()) {
        let reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if !*reaped {
            act();
        }
    }

    /// Signals the process group.
    pub(crate) fn signal(&self, signal: i32) {
        // The only errors are "no such group" and "not permitted" (a set-uid child): there is nothing to do about
        // either, and the end of the child will say what became of it.
        self.while_ours(|| drop(system::old::signal_group(self.pid, signal)));
    }

    /// Signals every process of the session that is in another process group, and those known by their environment.
    pub(crate) fn signal_everywhere(&self, signal: i32) {
        for entry in process_table::scan(|entry| self.owns(entry) && entry.group != self.pid) {
            entry.signal(signal, |now| self.owns(now));
        }
    }

    /// Reaps the root. `None`: it has not ended, and `block` is false.
    pub(crate) fn reap(&self, block: bool) -> io::Result<Option<Reaped>> {
        if block {
            // Ended, but kept: only the step that gives the number away must be under the lock.
            system::old::await_end(self.pidfd())?;
        }
        let mut reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        let end = system::old::reap(self.pidfd())?;
        *reaped = end.is_some();
        Ok(end)
    }

    /// Whether the process group has members left after its leader was reaped.
    pub(crate) fn is_anything_left(&self) -> bool {
        // Signal 0 reaches nobody, so it does no harm should the number belong to somebody else by now.
        system::old::signal_group(self.pid, 0).is_ok()
    }

    /// Kills the process group and everything else that belongs here, until nothing is found twice.
    pub(crate) fn kill_everywhere(&self) -> Vec<Survivor> {
        process_table::kill_until_none_is_left(|entry| self.owns(entry), || self.signal(libc::SIGKILL))
    }

    /// Whether a process is of this tree: born into the session, or marked.
    fn owns(&self, entry: &Entry) -> bool {
        (entry.session == self.pid && !self.is_number_given_away())
            || self.marker.as_ref().is_some_and(|marker| entry.has_in_environment(marker))
    }

    /// Whether the session's number belongs to somebody else by now. The kernel gives a number away again only when
    /// no process, group and session has it; so once our root was reaped, whoever carries it as its own is a stranger.
    fn is_number_given_away(&self) -> bool {
        let reaped = *self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        reaped && Entry::read(self.pid).is_some()
    }
}

/// `NAME=value` of the variable called `name`.
pub(crate) fn marker_of(name: &OsString, environment: &[(OsString, OsString)]) -> Option<Vec<u8>> {
    let (name, value) = environment.iter().find(|(known, _)| known == name)?;
    Some([name.as_bytes(), b"=", value.as_bytes()].concat())
}
