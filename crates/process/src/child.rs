//! A child that runs, and the watch over it until its end.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc::Sender;

use crate::chunk::Chunk;
use crate::clock;
use crate::command::Command;
use crate::ended::Ended;
use crate::feed::Feed;
use crate::how::How;
use crate::identity::ProcessIdentity;
use crate::launch::{self, Launched};
use crate::limits::LimitsReport;
use crate::process_table::Entry;
use crate::pump::{Cut, Pump};
use crate::sandbox::{KillWay, SandboxLevel, SandboxReached};
use crate::shared::{Leash, Shared};
use crate::spawn_error::SpawnError;
use crate::stop_reason::StopReason;
use crate::stopper::Stopper;
use crate::stopping::{Effect, Event, Stopping};
use crate::survivor::Survivor;
use crate::system::{self, Watched};
use crate::usage::Usage;

/// How long output is read after the child's own end when a descendant still holds it open.
const OUTPUT_AFTER_END: Duration = Duration::from_secs(2);

/// The longest sleep towards a deadline. The runtime's timers stand still while the machine is suspended; the deadline
/// does not. So it is looked at anew at least this often, and after a resume it is late by no more than this.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// Starts `command`. Its output goes to `chunks` while [`Child::wait`] runs: bounded, so a slow receiver slows the child
/// down instead of filling memory; a receiver that was dropped does not hold it up.
///
/// Must be called inside a tokio runtime with I/O and time enabled. Blocks for as long as the kernel takes to start a
/// process (a fraction of a millisecond, whatever the size of this process).
///
/// # Errors
///
/// [`SpawnError`] says why nothing was started.
pub fn spawn(mut command: Command, chunks: Sender<Chunk>) -> Result<Child, SpawnError> {
    let begun = clock::boot();
    let Launched { leash, feed, stdout, stderr } = launch::launch(&mut command)?;
    // From here on the leash kills the child on every way out but the good one.
    let end = system::watch(Arc::clone(&leash.shared))
        .map_err(|source| SpawnError::Exhausted { program: command.program.clone(), source })?;
    let stopping = Stopping::Not { deadline: command.timeout.map(|timeout| begun + timeout) };
    Ok(Child { leash, end, feed, stdout, stderr, chunks, begun, stopping, grace: command.grace })
}

/// A child that runs. Dropping it, or the future of [`Child::wait`], before the end kills the whole tree.
#[must_use = "a child that is not waited for is killed"]
#[derive(Debug)]
pub struct Child {
    leash: Leash,
    end: AsyncFd<Watched<Arc<Shared>>>,
    feed: Feed,
    stdout: Pump,
    stderr: Pump,
    chunks: Sender<Chunk>,
    begun: Duration,
    stopping: Stopping,
    grace: Duration,
}

impl Child {
    /// Its process number, which is that of its session and process group too.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.leash.shared.guarding.pid()
    }

    /// Which process it is, beyond its number. Reads `/proc`, so it costs some ten microseconds.
    #[must_use]
    pub fn id(&self) -> ProcessIdentity {
        let pid = self.pid();
        // The child is not reaped before `wait`, so the number is certainly still its own.
        Entry::read(pid).map_or(ProcessIdentity { pid, start_time: 0 }, |entry| entry.identity)
    }

    /// A handle to stop it with.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper { shared: Arc::clone(&self.leash.shared) }
    }

    /// Writes its input, reads its output, watches its deadline, obeys its [`Stopper`]s, and returns when it and
    /// everything of its tree that is held ([`GuardLevel`](crate::GuardLevel)) are gone.
    pub async fn wait(self) -> Ended {
        let Self { leash, end, feed, stdout, stderr, chunks, begun, mut stopping, grace } = self;
        let shared = Arc::clone(&leash.shared);
        let (cut_stdout, cut_stderr) = (Cut::default(), Cut::default());
        let cut = || {
            cut_stdout.ask();
            cut_stderr.ask();
        };
        let over = |stream, max_bytes| shared.want(Event::Stop(StopReason::OutputLimit { stream, max_bytes }));
        let mut totals = None;
        let mut reading = pin!(async {
            tokio::join!(stdout.run(&chunks, &cut_stdout, &over), stderr.run(&chunks, &cut_stderr, &over))
        });
        let mut is_fed = false;
        let mut feeding = pin!(feed.run());

        let mut ended = pin!(end.readable());
        let mut alarm = pin!(until(stopping.wake_at()));
        loop {
            let event = tokio::select! {
                biased;
                // An error would mean that the runtime is shutting down; what follows does not depend on it.
                _ = &mut ended => break,
                event = shared.wanted() => event,
                () = &mut alarm => Event::Tick,
                read = &mut reading, if totals.is_none() => { totals = Some(read); continue }
                () = &mut feeding, if !is_fed => { is_fed = true; continue }
            };
            let (next, effect) = stopping.decide(event, clock::boot(), grace);
            stopping = next;
            alarm.set(until(stopping.wake_at()));
            act(&shared, effect);
        }
        let wall = clock::boot().saturating_sub(begun);
        // Its end may be seen before the wish that brought it about.
        let late_wish = shared.take_wish();
        let was_killed_unseen = matches!((&stopping, &late_wish), (Stopping::Not { .. }, Some(Event::Kill(_))));
        if let (true, Some(event)) = (was_killed_unseen, late_wish) {
            stopping = stopping.decide(event, clock::boot(), grace).0;
        }

        // The root has ended but is not reaped: its number is still taken, so its group and session can be named safely.
        let mut survivors = Vec::new();
        if matches!(stopping, Stopping::Killed { .. }) {
            survivors = kill_everywhere(&shared).await;
        }
        let mut output_closed_early = false;
        if totals.is_none() {
            let closing_at = clock::boot() + OUTPUT_AFTER_END;
            let closing_at = stopping.wake_at().map_or(closing_at, |at| match stopping {
                Stopping::Asked { .. } => closing_at.min(at),
                _ => closing_at,
            });
            let mut alarm = pin!(until(Some(closing_at)));
            totals = loop {
                tokio::select! {
                    biased;
                    read = &mut reading => break Some(read),
                    () = &mut alarm => break None,
                    _ = shared.wanted() => break None,
                    () = &mut feeding, if !is_fed => is_fed = true,
                }
            };
            output_closed_early = totals.is_none();
        }
        if output_closed_early || matches!(stopping, Stopping::Asked { .. }) {
            survivors.extend(kill_everywhere(&shared).await);
        }
        let (stdout, stderr) = match totals {
            Some(totals) => totals,
            None => {
                cut();
                reading.await
            }
        };

        let own_peak = system::own_peak_rss();
        let (how, usage) = match shared.guarding.reap(false) {
            Ok(Some(reaped)) => {
                let peak = Some(reaped.peak_rss_bytes).filter(|peak| *peak > own_peak);
                (
                    reaped.how,
                    Usage {
                        wall,
                        user: reaped.user,
                        system: reaped.system,
                        peak_rss_bytes: peak,
                        peak_tree_bytes: None,
                    },
                )
            }
            Ok(None) | Err(_) => (How::Unknown, Usage { wall, ..Usage::default() }),
        };
        if survivors.is_empty() && shared.guarding.is_anything_left() {
            survivors = kill_everywhere(&shared).await;
        }
        leash.release();
        // Whoever ended by itself just before the kill reached it was not stopped by it.
        let is_ours = !was_killed_unseen || how == How::Signaled(libc::SIGKILL);
        Ended {
            how,
            stopped_because: stopping.reason().filter(|_| is_ours),
            output_closed_early,
            stdout_bytes: stdout.bytes,
            stderr_bytes: stderr.bytes,
            stdout_dropped: stdout.dropped,
            stderr_dropped: stderr.dropped,
            survivors,
            usage,
            sandbox: SandboxReached { level: SandboxLevel::Base, kill_way: KillWay::Scan, missing: Vec::new() },
            limits: LimitsReport::default(),
            oom: None,
            guarded_by: shared.guarding.level(),
        }
    }
}

/// Waits for a reading of [`clock::boot`]; for ever when there is none.
async fn until(deadline: Option<Duration>) {
    let Some(deadline) = deadline else { return std::future::pending().await };
    loop {
        let left = deadline.saturating_sub(clock::boot());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
    }
}

fn act(shared: &Arc<Shared>, effect: Option<Effect>) {
    match effect {
        Some(Effect::Terminate) => {
            shared.guarding.signal(libc::SIGTERM);
            shared.guarding.signal(libc::SIGCONT);
            let shared = Arc::clone(shared);
            drop(tokio::task::spawn_blocking(move || {
                shared.guarding.signal_everywhere(libc::SIGTERM);
                shared.guarding.signal_everywhere(libc::SIGCONT);
            }));
        }
        // What left the group is killed when the root has ended: until then it may still make more of them.
        Some(Effect::Kill) => shared.guarding.signal(libc::SIGKILL),
        None => {}
    }
}

/// Kills what is left, where blocking is allowed.
async fn kill_everywhere(shared: &Arc<Shared>) -> Vec<Survivor> {
    let shared = Arc::clone(shared);
    tokio::task::spawn_blocking(move || shared.guarding.kill_everywhere()).await.unwrap_or_default()
}
