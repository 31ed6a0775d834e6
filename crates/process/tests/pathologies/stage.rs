//! A launcher with twenty children, and the proof that nothing of them stays.

use std::future::Future;
use std::time::Duration;

use attune_process::{
    Chunk, Collected, Command, How, Launcher, LauncherProgram, SpawnError, StopReason, Stopper, Stream, Survivor,
};
use attune_testkit::Surroundings;
use attune_testkit::enclosure::test_of;
use attune_testkit::leaks::Leaks;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::Receiver;

use crate::world::World;

/// How many of a kind run at once.
pub(crate) const TWENTY: usize = 20;

/// Runs a test in every corner of the matrix. The closure must be written in the test function: its name is the test's.
pub(crate) fn everywhere(body: impl Fn(&Stage)) {
    let test = test_of(&body);
    for world in World::ALL {
        world.enclosure().run(&test, |surroundings| {
            let stage = Stage::set(world, surroundings.clone());
            body(&stage);
            stage.strike();
        });
    }
}

/// What a test has inside of its enclosure.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) surroundings: Surroundings,
    before: Leaks,
    runtime: Runtime,
    pub(crate) launcher: Launcher,
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

impl Stage {
    pub(crate) fn set(world: World, surroundings: Surroundings) -> Self {
        let program = LauncherProgram::At(surroundings.path("attune-launcher"));
        let start = |runtime: &Runtime| {
            runtime.block_on(async { Launcher::start(program.clone()) }).expect("the launcher starts")
        };
        // The first runtime and the first child open what is shared by all for good.
        let processes = Leaks::before(&[]);
        let first = runtime();
        let launcher = start(&first);
        first.block_on(launcher.run_to_end(Command::new("/bin/true"))).expect("it starts");
        drop((launcher, first));
        processes.assert_no_process();
        let before = Leaks::before(&[surroundings.directory(), "/dev/shm".as_ref()]);
        let runtime = runtime();
        let launcher = start(&runtime);
        Self { world, surroundings, before, runtime, launcher }
    }

    /// Takes everything down and insists that nothing is left.
    pub(crate) fn strike(self) {
        let Self { before, runtime, launcher, .. } = self;
        drop(launcher);
        drop(runtime);
        before.assert_none();
    }

    /// `sh -c script`.
    pub(crate) fn shell(&self, script: &str) -> Command {
        self.command("/bin/sh", &["-c", script])
    }

    /// `perl -e program arguments`.
    pub(crate) fn perl(&self, program: &str, arguments: &[&str]) -> Command {
        self.command("/usr/bin/perl", &[&["-e", program, "--"], arguments].concat())
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program)
            .arguments(arguments.iter().copied())
            .variable("PATH", "/usr/local/bin:/usr/bin:/bin")
            .variable("DIRECTORY", self.surroundings.directory());
        command.sandbox = self.world.sandbox();
        command
    }

    /// Lets `future` run, for a minute and a half at most.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime
            .block_on(async { tokio::time::timeout(Duration::from_secs(90), future).await })
            .expect("done within a minute and a half")
    }

    /// Runs one command to its end.
    pub(crate) fn end_of(&self, command: Command) -> Collected {
        self.run(self.launcher.run_to_end(command)).expect("it starts")
    }

    /// Runs twenty commands at once to their ends; in the order of their numbers.
    pub(crate) fn twenty(&self, command: impl Fn(usize) -> Command) -> Vec<Collected> {
        self.twenty_tried(command).into_iter().map(|end| end.expect("it starts")).collect()
    }

    /// The same where it may be that a start is not confirmed.
    pub(crate) fn twenty_tried(&self, command: impl Fn(usize) -> Command) -> Vec<Result<Collected, SpawnError>> {
        self.run(async {
            let running: Vec<_> = (0..TWENTY)
                .map(|number| {
                    let (launcher, command) = (self.launcher.clone(), command(number));
                    tokio::spawn(async move { launcher.run_to_end(command).await })
                })
                .collect();
            let mut ends = Vec::new();
            for one in running {
                ends.push(one.await.expect("no panic"));
            }
            ends
        })
    }

    /// Starts one command and waits for the first that it prints.
    pub(crate) async fn started(&self, command: Command) -> Started {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let child = self.launcher.spawn(command, sender).await.expect("it starts");
        let (pid, stopper) = (child.pid(), child.stopper());
        let ending = tokio::spawn(child.wait());
        let first = receiver.recv().await.expect("it says that it is up");
        let listening = tokio::spawn(receive_all(vec![first], receiver));
        Started { pid, stopper, ending, listening }
    }

    /// Starts twenty commands at once, waits until each has printed something, and asks each to stop as `stop` says.
    pub(crate) fn twenty_stopped(&self, command: impl Fn(usize) -> Command, stop: impl Fn(&Stopper)) -> Vec<Collected> {
        self.run(async {
            let starting: Vec<_> = (0..TWENTY).map(|number| self.started(command(number))).collect();
            let started = futures_of(starting).await;
            started.iter().for_each(|one| stop(&one.stopper));
            let mut ends = Vec::new();
            for one in started {
                ends.push(one.end().await);
            }
            ends
        })
    }
}

/// Drives futures one after the other; what they started runs meanwhile.
async fn futures_of<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut all = Vec::with_capacity(futures.len());
    for future in futures {
        all.push(future.await);
    }
    all
}

/// A child that said that it is up.
pub(crate) struct Started {
    pub(crate) pid: i32,
    pub(crate) stopper: Stopper,
    ending: tokio::task::JoinHandle<attune_process::Ended>,
    listening: tokio::task::JoinHandle<(Vec<u8>, Vec<u8>)>,
}

impl Started {
    pub(crate) async fn end(self) -> Collected {
        let ended = self.ending.await.expect("no panic");
        let (stdout, stderr) = self.listening.await.expect("no panic");
        Collected { ended, stdout, stderr }
    }
}

async fn receive_all(first: Vec<Chunk>, mut receiver: Receiver<Chunk>) -> (Vec<u8>, Vec<u8>) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut next = first.into_iter().next();
    while let Some(chunk) = next {
        match chunk.stream {
            Stream::Stdout => stdout.extend(chunk.bytes),
            Stream::Stderr => stderr.extend(chunk.bytes),
        }
        next = receiver.recv().await;
    }
    (stdout, stderr)
}

pub(crate) fn requested(by: &str) -> StopReason {
    StopReason::Requested(by.to_owned())
}

/// What a child printed on standard output, as text.
pub(crate) fn text(collected: &Collected) -> String {
    String::from_utf8_lossy(&collected.stdout).into_owned()
}

pub(crate) fn names(survivors: &[Survivor]) -> Vec<&str> {
    survivors.iter().map(|survivor| survivor.name.as_str()).collect()
}

/// Insists that each ended by itself with the code that `code` says for its number.
pub(crate) fn assert_exited(ends: &[Collected], code: impl Fn(usize) -> i32) {
    for (number, end) in ends.iter().enumerate() {
        assert_eq!(
            (end.ended.how, &end.ended.stopped_because),
            (How::Exited(code(number)), &None),
            "{number}: {end:?}"
        );
    }
}
