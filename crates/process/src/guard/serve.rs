//! A guard's life.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::guarded::Guarded;
use super::machine::{Effect, Event, FenceTimes, State};
use super::{start, tree};
use crate::clock;
use crate::guard_kind::GuardKind;
use crate::sandbox::{self, KillWay, Preparer};
use crate::system::{self, SharedPair, Stack, Waited};
use crate::wire::{FromGuard, LONGEST, Refusal, RunSpec, ToGuard};

/// What a guard is made of.
struct Guard<'a> {
    worker: OwnedFd,
    lifeline: OwnedFd,
    timer: OwnedFd,
    deaths: OwnedFd,
    fence: &'a SharedPair,
    stack: Stack,
    preparer: Preparer,
    is_scoped: bool,
    state: State,
    guarded: Option<Guarded>,
    /// Whether worker or launcher are gone: neither is listened to any more.
    is_abandoned: bool,
    armed_for: Option<Duration>,
    buffer: Vec<u8>,
}

/// Serves one execution after the other for the worker at the other end of `worker`, until it or the launcher, at the
/// other end of `lifeline`, are gone. Call in a fresh copy of the launcher that holds nothing else. Returns when it is
/// time to leave.
pub(crate) fn serve(worker: OwnedFd, lifeline: OwnedFd, fence: &SharedPair, kind: GuardKind) -> io::Result<()> {
    system::begin_session()?;
    system::become_subreaper()?;
    system::set_name(c"attune-guard");
    let (timer, deaths, stack) = (system::timer()?, system::child_signals()?, Stack::new()?);
    let is_scoped = kind != GuardKind::Plain && sandbox::enter_scope().is_ok();
    if kind != GuardKind::Plain {
        sandbox::give_up_capabilities();
    }
    let is_filtered = kind == GuardKind::Filtered && sandbox::enter_filter();
    let mut guard = Guard {
        worker,
        lifeline,
        timer,
        deaths,
        fence,
        stack,
        preparer: Preparer::new(is_filtered),
        is_scoped,
        state: State::Idle,
        guarded: None,
        is_abandoned: false,
        armed_for: None,
        buffer: vec![0; LONGEST],
    };
    guard.tell(&FromGuard::Ready { is_scoped });
    while guard.state != State::Over {
        guard.step()?;
    }
    Ok(())
}

impl Guard<'_> {
    /// Waits for something to happen, and does what follows.
    fn step(&mut self) -> io::Result<()> {
        self.arm()?;
        let calls = self.guarded.as_ref().and_then(|guarded| guarded.calls.as_ref());
        let [has_message, has_no_launcher, is_time, has_death, has_call] = system::wait_readable(
            [
                (!self.is_abandoned).then(|| self.worker.as_fd()),
                (!self.is_abandoned).then(|| self.lifeline.as_fd()),
                Some(self.timer.as_fd()),
                Some(self.deaths.as_fd()),
                calls.map(AsFd::as_fd),
            ],
            None,
        )?;
        // Ends first: what ended by itself was not stopped by a message that came at the same time.
        if has_death {
            system::drain(self.deaths.as_fd());
            self.reap();
        }
        if has_call {
            self.hand_calls_over();
        }
        if has_message {
            self.hear();
        }
        if has_no_launcher {
            self.abandon();
        }
        if is_time {
            system::drain(self.timer.as_fd());
            self.armed_for = None;
            self.happen(Event::Tick { fence: self.fence_times() });
        }
        Ok(())
    }

    fn fence_times(&self) -> FenceTimes {
        let read = |index: usize| match self.fence.numbers()[index].load(Ordering::Acquire) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        };
        FenceTimes { terminate_at: read(0), kill_at: read(1) }
    }

    fn arm(&mut self) -> io::Result<()> {
        let wake_at = self.state.wake_at(self.fence_times(), clock::boot());
        // Waking too early is harmless, so a timer that is set for an earlier moment may stay: most executions end
        // before any of their moments comes, and then it is never set again.
        let may_stay = match (self.armed_for, wake_at) {
            (_, None) => true,
            (Some(armed_for), Some(wake_at)) => armed_for <= wake_at,
            (None, Some(_)) => false,
        };
        if !may_stay {
            system::set_timer(self.timer.as_fd(), wake_at)?;
            self.armed_for = wake_at;
        }
        Ok(())
    }

    /// Reaps whatever has ended.
    fn reap(&mut self) {
        let now = clock::boot();
        let had_root_ended = self.guarded.as_ref().is_none_or(Guarded::has_root_ended);
        let mut root_end = None;
        let is_empty = loop {
            match system::wait_any() {
                Waited::Ended(reaped) => {
                    if let Some(guarded) = &mut self.guarded {
                        guarded.note(&reaped, now);
                        if reaped.pid == guarded.root && !had_root_ended {
                            root_end = Some(reaped.how);
                        }
                    }
                }
                Waited::NoneEnded => break false,
                Waited::NoChild => break true,
            }
        };
        match root_end {
            Some(how) => self.happen(Event::RootEnded { how, is_empty }),
            None if is_empty && had_root_ended => self.happen(Event::Empty),
            None => {}
        }
    }

    /// Hears one message of the worker's.
    fn hear(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        match system::receive(self.worker.as_fd(), &mut buffer) {
            Ok(received) if received.length == 0 => {
                self.abandon();
            }
            Ok(received) if !received.is_cut => {
                let bytes = buffer.get(..received.length).unwrap_or_default();
                self.obey(bytes, received.descriptors);
            }
            // A message that makes no sense, or cannot be received: whoever sends it, this guard is of no use to them.
            Ok(_) => self.abandon(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.abandon(),
        }
        self.buffer = buffer;
    }

    fn abandon(&mut self) {
        self.is_abandoned = true;
        self.happen(Event::Abandoned);
    }

    fn obey(&mut self, bytes: &[u8], mut descriptors: Vec<OwnedFd>) {
        let event = match ToGuard::read(bytes) {
            Ok(ToGuard::Run { run, spec }) => return self.run(run, &spec, descriptors),
            Ok(ToGuard::RunInFile) if descriptors.len() == 4 => {
                let Some(Ok(request)) = descriptors.pop().map(|file| start::read_request(&file)) else {
                    return self.abandon();
                };
                return match ToGuard::read(&request) {
                    Ok(ToGuard::Run { run, spec }) => self.run(run, &spec, descriptors),
                    _ => self.abandon(),
                };
            }
            Ok(ToGuard::Stop { run }) => Event::Stop { run },
            Ok(ToGuard::Kill { run }) => Event::Kill { run },
            Ok(ToGuard::Finish { run }) => Event::Finish { run },
            Ok(ToGuard::RunInFile) | Err(_) => return self.abandon(),
        };
        self.happen(event);
    }

    fn run(&mut self, run: u64, spec: &RunSpec<'_>, descriptors: Vec<OwnedFd>) {
        let Ok(streams) = <[OwnedFd; 3]>::try_from(descriptors) else { return self.abandon() };
        if self.state != State::Idle {
            return self.abandon();
        }
        if spec.start_before.is_some_and(|latest| latest <= clock::boot()) {
            return self.tell(&FromGuard::Refused { run, why: Refusal::TooLate });
        }
        match start::start(run, spec, streams, &self.stack, &mut self.preparer, self.is_scoped) {
            Ok((guarded, started)) => {
                self.guarded = Some(guarded);
                self.happen(Event::Started { run, timeout: spec.timeout, grace: spec.grace });
                self.tell(&FromGuard::Started(started));
            }
            Err(why) => self.tell(&FromGuard::Refused { run, why }),
        }
    }

    /// The action has used its helper socket, or let go of it: from now on it is the worker's.
    fn hand_calls_over(&mut self) {
        let Some(guarded) = &mut self.guarded else { return };
        let Some(calls) = guarded.calls.take() else { return };
        if system::unread(calls.as_fd()) > 0 {
            let message = FromGuard::Calls { run: guarded.run }.write();
            // Not delivered: the worker is gone, which is heard of next.
            drop(system::send(self.worker.as_fd(), &message, &[calls.as_fd()]));
        }
    }

    fn happen(&mut self, event: Event) {
        let (state, effects) = self.state.decide(event, clock::boot());
        self.state = state;
        for effect in effects {
            self.act(effect);
        }
    }

    fn act(&mut self, effect: Effect) {
        match effect {
            Effect::Terminate => self.terminate(),
            Effect::NameSurvivors => {
                if let Some(guarded) = &mut self.guarded {
                    guarded.survivors = tree::names();
                }
            }
            Effect::Kill => self.kill(),
            Effect::TellRootEnded { run } => self.tell(&FromGuard::RootEnded { run }),
            Effect::TellKilling { run } => self.tell(&FromGuard::Killing { run }),
            Effect::TellEnded { stopped, is_incomplete, .. } => {
                if let Some(guarded) = self.guarded.take() {
                    let ended = guarded.finish(stopped, is_incomplete, clock::boot());
                    self.tell(&FromGuard::Ended(ended));
                }
            }
            Effect::Leave => {
                if let Some(guarded) = self.guarded.take() {
                    // Nobody is told, but its control groups go.
                    drop(guarded.finish(None, true, clock::boot()));
                }
            }
        }
    }

    fn terminate(&self) {
        let Some(guarded) = &self.guarded else { return };
        if self.is_scoped {
            system::signal_all(libc::SIGTERM);
            system::signal_all(libc::SIGCONT);
        } else {
            tree::terminate(guarded.root);
        }
    }

    fn kill(&mut self) {
        let Some(guarded) = &mut self.guarded else { return };
        #[cfg(attune_mutants)]
        if crate::mutant::is("killpg_only") {
            system::signal_group(guarded.root, libc::SIGKILL);
            return;
        }
        let is_repeated = std::mem::replace(&mut guarded.was_killed, true);
        let is_killed = match guarded.kill_way {
            KillWay::Scope => {
                system::signal_all(libc::SIGKILL);
                true
            }
            // What is still there at the second time has left its group: root can.
            KillWay::Cgroup => guarded.limits.kill() && !is_repeated,
            KillWay::Scan => false,
        };
        if !is_killed {
            tree::kill(&HashSet::new());
        }
    }

    fn tell(&self, message: &FromGuard) {
        // Not delivered: the worker is gone, which is heard of next.
        drop(system::send(self.worker.as_fd(), &message.write(), &[]));
    }
}
