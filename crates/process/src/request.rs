//! From a command to an action that runs under a guard.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use crate::alarm;
use crate::child;
use crate::clock;
use crate::command::Command;
use crate::explain::{explain, explain_refusal};
use crate::feed::Feed;
use crate::guard_kind::GuardKind;
use crate::guard_loss::GuardLoss;
use crate::launcher::{Launcher, Lent, NoGuard};
use crate::pump::Pump;
use crate::sandbox::FilesystemPolicy;
use crate::spawn_error::SpawnError;
use crate::stream::Stream;
use crate::system;
use crate::texts::Texts;
use crate::wire::{FromGuard, LONGEST, StartedMessage, ToGuard, write_run};

/// How long a guard may take to start an action. It takes half a millisecond; one that is stopped takes for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many guards are tried when they turn out to be gone before they were asked.
const MOST_GUARDS: u32 = 70;

/// An action that runs, its guard, and this side's ends of its streams.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) lent: Lent,
    pub(crate) started: StartedMessage,
    pub(crate) feed: Feed,
    pub(crate) stdout: Pump,
    pub(crate) stderr: Pump,
    pub(crate) begun: Duration,
}

/// A number for a file policy, the same for the same policy. Two policies with one number cost time, nothing else.
fn habit(policy: &FilesystemPolicy) -> u64 {
    let mut hasher = DefaultHasher::new();
    policy.hash(&mut hasher);
    hasher.finish()
}

/// Starts a command. Its input is taken from it.
pub(crate) async fn start(launcher: &Launcher, command: &mut Command) -> Result<Accepted, SpawnError> {
    let texts = Texts::of(command)?;
    let input = std::mem::take(&mut command.input);
    let command = &*command;
    let prepare = || -> io::Result<_> {
        let (feed, stdin) = Feed::new(input)?;
        let (stdout, child_stdout) = system::pipe()?;
        let (stderr, child_stderr) = system::pipe()?;
        let stdout = Pump::new(stdout, Stream::Stdout, command.stdout)?;
        let stderr = Pump::new(stderr, Stream::Stderr, command.stderr)?;
        Ok((feed, stdin, stdout, child_stdout, stderr, child_stderr))
    };
    let exhausted = |source| explain(source, command, &texts);
    let (feed, stdin, stdout, child_stdout, stderr, child_stderr) = prepare().map_err(exhausted)?;
    let kind = GuardKind::of(command.sandbox.level.max(command.sandbox.require));
    let habit = habit(&command.sandbox.filesystem);
    let streams = [stdin.as_fd(), child_stdout.as_fd(), child_stderr.as_fd()];

    let mut tries = 1;
    let (lent, begun) = loop {
        let lent = launcher.lend(kind, habit).await.map_err(|error| match error {
            NoGuard::NoLauncher(source) => SpawnError::NoLauncher { source },
            NoGuard::Refused(source) => SpawnError::Exhausted { program: command.program.clone(), source },
        })?;
        let begun = clock::boot();
        match send(&lent, command, &texts, streams) {
            Ok(()) => break (lent, begun),
            // One that was lost while it waited for work. It was asked nothing, so another may be.
            Err(error) if is_gone(&error) && tries < MOST_GUARDS => tries += 1,
            Err(error) => return Err(exhausted(error)),
        }
    };
    // From here on nobody but the child may hold its ends.
    drop((stdin, child_stdout, child_stderr));
    let answer = tokio::select! {
        biased;
        answer = lent.link().receive() => answer,
        () = alarm::until(Some(begun + PATIENCE)) => {
            lent.end_guard();
            None
        }
    };
    match answer {
        Some((FromGuard::Started(started), _)) => Ok(Accepted { lent, started, feed, stdout, stderr, begun }),
        Some((FromGuard::Refused { why, .. }, _)) => {
            lent.give_back();
            Err(explain_refusal(why, command, &texts))
        }
        // A guard that says anything else now is none.
        Some(_) => {
            lent.end_guard();
            Err(SpawnError::Unconfirmed { loss: child::lost(&lent).await })
        }
        None => {
            let loss: GuardLoss = child::lost(&lent).await;
            Err(SpawnError::Unconfirmed { loss })
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EPIPE | libc::ECONNRESET | libc::ENOTCONN))
}

fn send(lent: &Lent, command: &Command, texts: &Texts, streams: [std::os::fd::BorrowedFd<'_>; 3]) -> io::Result<()> {
    let mut writer = ToGuard::begin_run(lent.link().next_run());
    write_run(&mut writer, command, &texts.program, &texts.arguments, &texts.environment, &texts.directory);
    let message = writer.finish();
    if message.len() <= LONGEST {
        return lent.link().send(&message, &streams);
    }
    let mut file = File::from(system::memory_file(c"attune-request")?);
    file.write_all(&message)?;
    let file = OwnedFd::from(file);
    let [stdin, stdout, stderr] = streams;
    lent.link().send(&ToGuard::run_in_file(), &[stdin, stdout, stderr, file.as_fd()])
}
