//! Real children, and the proof that nothing of them stays.

use std::collections::HashMap;
use std::fs;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use attune_process::{Child, Chunk, Collected, Command, Launcher, LauncherProgram, Stream, clock};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{Receiver, Sender};

/// The variable by which this test's processes are known.
pub(crate) const TAG: &str = "ATTUNE_TEST_TAG";

/// Descriptors are counted for the whole test program, so only one test runs at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
static NEXT_TAG: AtomicU32 = AtomicU32::new(0);

/// A runtime and a tag of its own. Dropping it asserts that no tagged process and no new descriptor is left.
pub(crate) struct Fixture {
    runtime: Option<Runtime>,
    launcher: Option<Launcher>,
    pub(crate) tag: String,
    descriptors: usize,
    _turn: MutexGuard<'static, ()>,
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// A launcher of its own.
fn launcher() -> Launcher {
    Launcher::start(LauncherProgram::At(env!("CARGO_BIN_EXE_attune-launcher").into())).expect("a launcher")
}

/// How many children this process has, zombies included.
fn children() -> usize {
    let own = std::process::id();
    let tasks = fs::read_dir(format!("/proc/{own}/task")).expect("/proc is there").filter_map(Result::ok);
    tasks
        .map(|task| fs::read_to_string(task.path().join("children")).unwrap_or_default())
        .map(|line| line.split_ascii_whitespace().count())
        .sum()
}

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("/proc is there").count()
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        // The first child opens what is then shared by all.
        let first = launcher();
        runtime().block_on(first.run_to_end(Command::new("/bin/true"))).expect("spawns");
        drop(first);
        runtime().block_on(until("the first launcher is gone", &mut || children() == 0));
        let tag = format!("{}-{}", std::process::id(), NEXT_TAG.fetch_add(1, Ordering::Relaxed));
        let descriptors = open_descriptors();
        Self { descriptors, runtime: Some(runtime()), launcher: Some(launcher()), tag, _turn: turn }
    }

    /// `sh -c script` with nothing but `PATH` and the tag in its environment.
    pub(crate) fn shell(&self, script: &str) -> Command {
        Command::new("/bin/sh")
            .arguments(["-c", script])
            .variable("PATH", "/usr/local/bin:/usr/bin:/bin")
            .variable(TAG, &self.tag)
    }

    /// Lets `future` run, for a minute at most.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let runtime = self.runtime.as_ref().expect("only gone on drop");
        runtime
            .block_on(async { tokio::time::timeout(Duration::from_secs(60), future).await })
            .expect("done within a minute")
    }

    /// Runs a command to its end.
    pub(crate) fn end_of(&self, command: Command) -> Collected {
        self.run(self.launcher().run_to_end(command)).expect("spawns")
    }

    /// What starts the children of this test.
    pub(crate) fn launcher(&self) -> &Launcher {
        self.launcher.as_ref().expect("only gone on drop")
    }

    /// Starts a command.
    pub(crate) async fn spawn(&self, command: Command, chunks: Sender<Chunk>) -> Child {
        self.launcher().spawn(command, chunks).await.expect("spawns")
    }

    /// How many living processes carry the tag.
    pub(crate) fn tagged(&self) -> usize {
        let wanted = format!("{TAG}={}", self.tag);
        let processes = fs::read_dir("/proc").expect("/proc is there");
        processes
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| {
                let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                let is_tagged = environment.split(|byte| *byte == 0).any(|line| line == wanted.as_bytes());
                let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                is_tagged && !state.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z')
            })
            .count()
    }

    /// Drops the runtime as a program that ends does; the fixture goes on with a fresh one.
    pub(crate) fn lose_runtime(mut self, longest: Duration) {
        if let Some(runtime) = self.runtime.replace(runtime()) {
            runtime.shutdown_timeout(longest);
        }
    }

    /// Waits until `condition` holds.
    pub(crate) fn eventually(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let runtime = self.runtime.as_ref().expect("only gone on drop");
        runtime.block_on(until(what, &mut condition));
    }
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, condition: &mut impl FnMut() -> bool) {
    let begun = clock::boot();
    while !condition() {
        assert!(clock::boot() - begun < Duration::from_secs(20), "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.eventually("no tagged process is left", || self.tagged() == 0);
        drop((self.launcher.take(), self.runtime.take()));
        runtime().block_on(until("the launcher is gone", &mut || children() == 0));
        // A thread that reaps a dropped child may still be at it.
        runtime().block_on(until("no descriptor is left", &mut || open_descriptors() <= self.descriptors + 4));
        // The waiting runtime had up to four descriptors of its own; without it the count is exact.
        assert!(open_descriptors() <= self.descriptors, "descriptors leaked: {:?}", targets());
    }
}

/// What the open descriptors point at, for the message.
fn targets() -> HashMap<String, String> {
    let entries = fs::read_dir("/proc/self/fd").expect("/proc is there");
    entries
        .filter_map(Result::ok)
        .map(|entry| {
            let target = fs::read_link(entry.path()).unwrap_or_default();
            (entry.file_name().to_string_lossy().into_owned(), target.to_string_lossy().into_owned())
        })
        .collect()
}

/// Everything of one stream, by offset.
pub(crate) async fn receive_all(mut receiver: Receiver<Chunk>) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    while let Some(chunk) = receiver.recv().await {
        assert!(!chunk.bytes.is_empty() && chunk.bytes.len() <= Chunk::MAX_BYTES);
        chunks.push(chunk);
    }
    chunks
}

/// Asserts that chunks follow each other, each stream for itself, except for one jump per gap.
pub(crate) fn jumps(chunks: &[Chunk], stream: Stream) -> Vec<(u64, u64)> {
    let mut end = 0;
    let mut jumps = Vec::new();
    for chunk in chunks.iter().filter(|chunk| chunk.stream == stream) {
        if chunk.offset != end {
            jumps.push((end, chunk.offset));
        }
        end = chunk.offset + chunk.bytes.len() as u64;
    }
    jumps
}
