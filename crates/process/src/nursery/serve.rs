//! A launcher's life.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use super::orphans::{Lost, Orphans};
use crate::clock;
use crate::guard;
use crate::guard_kind::GuardKind;
use crate::how::How;
use crate::limits::Support;
use crate::system::{self, Reaped, SharedPair, Waited};
use crate::wire::{FromLauncher, ToLauncher};

/// How long guards may take to kill their trees and end when the worker is gone. Who is not done by then is stopped or
/// stuck, and is killed, so that its orphans come here.
const LAST_PATIENCE: Duration = Duration::from_millis(1_000);

/// How long the launcher tries to bury what is left when the worker is gone.
const LAST_BURYING: Duration = Duration::from_secs(6);

/// What a launcher is made of.
struct Nursery {
    /// Absent once the worker is gone.
    worker: Option<OwnedFd>,
    deaths: OwnedFd,
    /// Both ends: guards hold copies of the first, and see the end of file when the second is gone with this process.
    lifeline: Option<(OwnedFd, OwnedFd)>,
    fence: SharedPair,
    /// Guards by the number of their process.
    guards: HashMap<i32, u64>,
    next_guard: u64,
    orphans: Orphans,
    bury_at: Option<Duration>,
}

/// Makes guards for the worker at the other end of `worker` until it is gone, and everything else with it.
pub(super) fn serve(worker: OwnedFd, fence: SharedPair) -> io::Result<()> {
    let mut nursery = Nursery {
        worker: Some(worker),
        deaths: system::child_signals()?,
        lifeline: Some(system::pipe()?),
        fence,
        guards: HashMap::new(),
        next_guard: 1,
        orphans: Orphans::default(),
        bury_at: None,
    };
    while nursery.worker.is_some() {
        nursery.step(None)?;
    }
    nursery.close()
}

impl Nursery {
    /// Waits for something to happen, until `end` at the latest, and does what follows.
    fn step(&mut self, end: Option<Duration>) -> io::Result<()> {
        let wake_at = [self.bury_at, end].into_iter().flatten().min();
        // A little too late rather than a little too early, which would be once more for nothing.
        let longest = wake_at.map(|at| at.saturating_sub(clock::boot()) + Duration::from_millis(1));
        let fds = [self.worker.as_ref().map(AsFd::as_fd), Some(self.deaths.as_fd())];
        let [has_message, has_death] = system::wait_readable(fds, longest)?;
        if has_death {
            system::drain(self.deaths.as_fd());
            self.reap();
        }
        if self.bury_at.is_some_and(|at| at <= clock::boot()) {
            self.bury();
        }
        if has_message {
            self.hear()?;
        }
        Ok(())
    }

    fn reap(&mut self) {
        loop {
            match system::wait_any() {
                Waited::Ended(Reaped { pid, how, .. }) => {
                    if let Some(guard) = self.guards.remove(&pid) {
                        let (signal, code) = match how {
                            How::Signaled(signal) => (signal, 0),
                            How::Exited(code) => (0, code),
                            How::Unknown | How::GuardLost(_) => (0, 0),
                        };
                        self.orphans.lose(Lost { guard, signal, code });
                        self.bury_at = Some(Duration::ZERO);
                    }
                }
                Waited::NoneEnded | Waited::NoChild => return,
            }
        }
    }

    /// Kills what lost guards left, and tells of those of whom nothing is left.
    fn bury(&mut self) {
        let spared: HashSet<i32> = self.guards.keys().copied().collect();
        let now = clock::boot();
        let round = self.orphans.bury(&spared, now);
        self.bury_at = round.again_in.map(|pause| now + pause);
        if !round.mourned.is_empty() {
            // Their control groups; with everything that was in them dead, nothing is waited for.
            Support::of_this_process().sweep();
        }
        for Lost { guard, signal, code } in round.mourned {
            self.tell(FromLauncher::GuardGone { guard, signal, code, left: round.left }, None);
        }
    }

    fn hear(&mut self) -> io::Result<()> {
        let Some(worker) = &self.worker else { return Ok(()) };
        let mut buffer = [0_u8; 256];
        let received = system::receive(worker.as_fd(), &mut buffer)?;
        let message = buffer.get(..received.length).map(ToLauncher::read);
        match message {
            Some(Ok(ToLauncher::NewGuard { request, kind })) => self.make_guard(request, kind),
            Some(Ok(ToLauncher::EndGuard { guard })) => {
                let pid = self.guards.iter().find(|(_, known)| **known == guard).map(|(pid, _)| *pid);
                if let Some(pid) = pid {
                    system::signal_child(pid, libc::SIGKILL);
                }
            }
            // The end of file, or something that speaks another language: in both cases the worker is gone.
            _ => self.worker = None,
        }
        Ok(())
    }

    fn make_guard(&mut self, request: u64, kind: GuardKind) {
        match self.fork_guard(kind) {
            Ok((pid, socket)) => {
                let guard = self.next_guard;
                self.next_guard += 1;
                self.guards.insert(pid, guard);
                self.tell(FromLauncher::Guard { request, guard, pid }, Some(&socket));
            }
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EIO);
                self.tell(FromLauncher::NoGuard { request, errno }, None);
            }
        }
    }

    /// Makes a guard: its number, and the worker's end of the socket to it.
    fn fork_guard(&mut self, kind: GuardKind) -> io::Result<(i32, OwnedFd)> {
        let (workers_end, guards_end) = system::socket_pair()?;
        let Some((lifeline, _)) = &self.lifeline else { return Err(io::Error::from_raw_os_error(libc::ESHUTDOWN)) };
        let lifeline = lifeline.try_clone()?;
        match system::fork()? {
            Some(pid) => Ok((pid, workers_end)),
            None => {
                // The copy lets go of everything that is the launcher's, above all of the end that keeps guards alive.
                drop(workers_end);
                self.worker = None;
                self.lifeline = None;
                let served = guard::serve(guards_end, lifeline, &self.fence, kind);
                system::leave(i32::from(served.is_err()))
            }
        }
    }

    fn tell(&self, message: FromLauncher, descriptor: Option<&OwnedFd>) {
        let Some(worker) = &self.worker else { return };
        let descriptors: Vec<_> = descriptor.map(AsFd::as_fd).into_iter().collect();
        // Not delivered: the worker is gone, which is heard of next; or it has stopped reading, and then the guard whose
        // socket was not handed over sees the end of file and leaves.
        drop(system::send(worker.as_fd(), &message.write(), &descriptors));
    }

    /// The worker is gone: sees to it that guards and trees go too, also those of guards that were stopped.
    fn close(mut self) -> io::Result<()> {
        self.lifeline = None;
        let begun = clock::boot();
        while !self.guards.is_empty() && clock::boot() < begun + LAST_PATIENCE {
            self.step(Some(begun + LAST_PATIENCE))?;
        }
        for pid in self.guards.keys() {
            system::signal_child(*pid, libc::SIGKILL);
        }
        let end = begun + LAST_PATIENCE + LAST_BURYING;
        while (!self.guards.is_empty() || self.bury_at.is_some()) && clock::boot() < end {
            self.step(Some(end))?;
        }
        Ok(())
    }
}
