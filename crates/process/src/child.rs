//! A child that runs, and the watch over it until its end.

use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::sync::oneshot;

use crate::alarm;
use crate::calls::Calls;
use crate::chunk::Chunk;
use crate::clock;
use crate::command::Command;
use crate::ended::Ended;
use crate::feed::Feed;
use crate::guard_loss::GuardLoss;
use crate::how::How;
use crate::identity::ProcessIdentity;
use crate::launcher::{Launcher, Lent};
use crate::process_table::Entry;
use crate::pump::{Cut, Pump};
use crate::request::{self, Accepted};
use crate::shared::{Leash, Shared};
use crate::spawn_error::SpawnError;
use crate::stop_reason::StopReason;
use crate::stopper::Stopper;
use crate::usage::Usage;
use crate::vigil::{Next, Vigil};
use crate::window::Total;
use crate::wire::{EndedMessage, FromGuard, StartedMessage, StoppedBy, ToGuard};

/// How long the loss of a guard may stay unexplained: the launcher has what it guarded to kill first.
const LOSS_PATIENCE: Duration = Duration::from_secs(6);

/// Starts `command` through a guard of `launcher`.
pub(crate) async fn spawn(
    launcher: &Launcher,
    mut command: Command,
    chunks: Sender<Chunk>,
) -> Result<Child, SpawnError> {
    let Accepted { lent, started, feed, stdout, stderr, begun } = request::start(launcher, &mut command).await?;
    let (calls_sender, calls) = command.has_helper_socket.then(oneshot::channel).unzip();
    let lent = Arc::new(lent);
    Ok(Child {
        leash: Leash(Arc::new(Shared::new(Arc::clone(&lent), started.run))),
        lent,
        started,
        feed,
        stdout,
        stderr,
        chunks,
        vigil: Vigil::new(begun, command.timeout, command.grace),
        begun,
        calls_sender,
        calls,
    })
}

/// A child that runs. Dropping it, or the future of [`Child::wait`], before the end kills the whole tree.
#[must_use = "a child that is not waited for is killed"]
#[derive(Debug)]
pub struct Child {
    leash: Leash,
    lent: Arc<Lent>,
    started: StartedMessage,
    feed: Feed,
    stdout: Pump,
    stderr: Pump,
    chunks: Sender<Chunk>,
    vigil: Vigil,
    begun: Duration,
    calls_sender: Option<oneshot::Sender<OwnedFd>>,
    calls: Option<oneshot::Receiver<OwnedFd>>,
}

/// How the watch over a child ended.
enum Watched {
    /// Its guard told the end.
    Told(EndedMessage),
    /// Its guard was lost.
    Lost(GuardLoss),
}

impl Child {
    /// Its process number, which is that of its session and process group too.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.started.pid
    }

    /// Which process it is, beyond its number. Reads `/proc`, so it costs some ten microseconds. The start time is 0
    /// when the child has ended already.
    #[must_use]
    pub fn id(&self) -> ProcessIdentity {
        let pid = self.pid();
        let guard = self.lent.link().pid();
        // Whoever has the number now is the child if our guard is its parent, which starts one at a time.
        let entry = Entry::read(pid).filter(|entry| entry.parent == guard);
        entry.map_or(ProcessIdentity { pid, start_time: 0 }, |entry| entry.identity)
    }

    /// The number of the process that guards it.
    #[must_use]
    pub fn guard_pid(&self) -> i32 {
        self.lent.link().pid()
    }

    /// How far it is shut in.
    #[must_use]
    pub const fn sandbox(&self) -> &crate::sandbox::SandboxReached {
        &self.started.sandbox
    }

    /// What enforces each limit.
    #[must_use]
    pub const fn limits(&self) -> &crate::limits::LimitsReport {
        &self.started.limits
    }

    /// A handle to stop it with.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper { shared: Arc::clone(&self.leash.0) }
    }

    /// The socket that is the child's descriptor 3, once the child uses it while [`Child::wait`] runs. `None`: it has no
    /// such socket ([`Command::has_helper_socket`]), or it was asked for before.
    pub fn calls(&mut self) -> Option<Calls> {
        self.calls.take().map(Calls)
    }

    /// Writes its input, reads its output, obeys its [`Stopper`]s, and returns when it and everything of its tree are
    /// gone.
    pub async fn wait(self) -> Ended {
        let Self { leash, lent, started, feed, stdout, stderr, chunks, mut vigil, begun, mut calls_sender, .. } = self;
        let shared = Arc::clone(&leash.0);
        let (cut_stdout, cut_stderr) = (Cut::default(), Cut::default());
        let over = |stream, max_bytes| shared.stop(StopReason::OutputLimit { stream, max_bytes });
        let mut totals = None;
        let mut reading = pin!(async {
            tokio::join!(stdout.run(&chunks, &cut_stdout, &over), stderr.run(&chunks, &cut_stderr, &over))
        });
        let mut is_fed = false;
        let mut feeding = pin!(feed.run());
        let link = lent.link();

        let mut alarm = pin!(alarm::until(vigil.wake_at()));
        let watched = loop {
            let next = tokio::select! {
                biased;
                message = link.receive() => match message {
                    Some((FromGuard::Ended(ended), _)) => break Watched::Told(ended),
                    Some((FromGuard::Calls { .. }, descriptors)) => {
                        hand_over(calls_sender.take(), descriptors);
                        continue;
                    }
                    Some((FromGuard::RootEnded { .. }, _)) => vigil.root_ended(clock::boot(), totals.is_some()),
                    Some((FromGuard::Killing { .. }, _)) => vigil.killing(clock::boot()),
                    // A guard that says anything else now is none.
                    Some(_) => {
                        lent.end_guard();
                        break Watched::Lost(lost(&lent).await);
                    }
                    None => break Watched::Lost(lost(&lent).await),
                },
                wanted = shared.wants_more_than(vigil.wanted()) => vigil.wants(wanted, clock::boot()),
                () = &mut alarm => vigil.tick(clock::boot()),
                read = &mut reading, if totals.is_none() && may_read(is_fed) => { totals = Some(read); vigil.all_read(clock::boot()) }
                () = &mut feeding, if !is_fed => { is_fed = true; continue }
            };
            match next {
                Next::Wait => {}
                // Not sent: the guard is gone, which is heard of next.
                Next::Finish => drop(link.send(&ToGuard::finish(started.run), &[])),
                Next::EndGuard => lent.end_guard(),
                Next::GiveUp => break Watched::Lost(GuardLoss::Unresponsive),
            }
            alarm.set(alarm::until(vigil.wake_at()));
        };
        // Nothing of the tree is alive: what lies in the pipes now is all, whoever else may hold them.
        let output = match totals {
            Some(totals) => totals,
            None => {
                cut_stdout.ask();
                cut_stderr.ask();
                reading.await
            }
        };
        let reason = shared.close();
        drop(leash);
        if let (Watched::Told(EndedMessage { is_incomplete: false, .. }), Some(lent)) =
            (&watched, Arc::into_inner(lent))
        {
            lent.give_back();
        }
        let wall = clock::boot().saturating_sub(begun);
        let reason = reason.or_else(|| vigil.is_overdue().then_some(StopReason::TimedOut));
        ended(started, watched, reason, vigil.was_closed_early(), output, wall)
    }
}

/// Whether output is read: at once, or a child that says much before it reads would wait for its worker, and its worker
/// for it.
#[must_use]
pub fn may_read(_is_fed: bool) -> bool {
    #[cfg(attune_mutants)]
    if crate::mutant::is("stdin_before_readers") {
        return _is_fed;
    }
    true
}

/// Gives the socket to whoever waits for it. Nobody does: it is closed, and the child hears that.
fn hand_over(waiting: Option<oneshot::Sender<OwnedFd>>, descriptors: Vec<OwnedFd>) {
    if let (Some(waiting), Some(socket)) = (waiting, descriptors.into_iter().next()) {
        drop(waiting.send(socket));
    }
}

/// What became of a guard whose socket is closed: told when nothing of what it guarded is alive.
pub(crate) async fn lost(lent: &Lent) -> GuardLoss {
    tokio::select! {
        biased;
        loss = lent.link().fate().known() => loss,
        () = alarm::until(Some(clock::boot() + LOSS_PATIENCE)) => GuardLoss::Unresponsive,
    }
}

fn ended(
    started: StartedMessage,
    watched: Watched,
    reason: Option<StopReason>,
    output_closed_early: bool,
    (stdout, stderr): (Total, Total),
    wall: Duration,
) -> Ended {
    let StartedMessage { sandbox, limits, .. } = started;
    let (how, stopped_because, survivors, usage, oom) = match watched {
        Watched::Told(EndedMessage { how, stopped, survivors, usage, oom, .. }) => {
            let stopped_because = stopped.map(|by| match by {
                StoppedBy::Timeout => StopReason::TimedOut,
                StoppedBy::Fence => StopReason::Fenced,
                StoppedBy::Worker => reason.unwrap_or_else(|| StopReason::Requested("kill".into())),
            });
            (how, stopped_because, survivors, usage, oom)
        }
        // What was wanted before is why it is dead; that its guard was lost on the way is of no interest then.
        Watched::Lost(loss) => (How::GuardLost(loss), reason, Vec::new(), Usage { wall, ..Usage::default() }, None),
    };
    Ended {
        how,
        stopped_because,
        output_closed_early,
        stdout_bytes: stdout.bytes,
        stderr_bytes: stderr.bytes,
        stdout_dropped: stdout.dropped,
        stderr_dropped: stderr.dropped,
        survivors,
        usage,
        sandbox,
        limits,
        oom,
    }
}
