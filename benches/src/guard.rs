//! What the guard costs: the same program started bare and through the launcher, turn by turn, so that whatever else the
//! machine does hits all alike.
#![expect(clippy::disallowed_methods, reason = "the floor is measured without Attune's own spawning")]

use std::io;
use std::process::Stdio;
use std::time::Instant;

use attune_process::{
    Collected, Command, How, Launcher, LauncherProgram, OutputLimits, Sandbox, SandboxLevel, SpawnError,
};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::Options;
use crate::report::{Report, Samples};

/// How much goes through a pipe for the throughput of the log path.
const FLOOD_BYTES: u64 = 1 << 30;

/// The programs that are started, with their arguments.
const PROGRAMS: [(&str, &str, &[&str]); 2] = [("true", "/bin/true", &[]), ("sh -c true", "/bin/sh", &["-c", "true"])];

/// Every figure of the guard.
pub(crate) fn all(options: &Options, report: &Report) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let launcher = runtime.block_on(async { Launcher::start(LauncherProgram::Own) })?;
    let bench = Bench { runtime, launcher };
    for (name, program, arguments) in PROGRAMS {
        bench.one_at_a_time(options, report, name, program, arguments)?;
    }
    for at_once in [1, 2, 8] {
        bench.rate(options, report, at_once)?;
    }
    bench.memory(report)?;
    bench.throughput(report)
}

struct Bench {
    runtime: Runtime,
    launcher: Launcher,
}

fn command(program: &str, arguments: &[&str], level: SandboxLevel) -> Command {
    let mut command = Command::new(program).arguments(arguments.iter().copied());
    command.sandbox = Sandbox { level, require: level, ..Sandbox::default() };
    command
}

/// One start, end and the reading of two pipes with nothing around it.
fn bare(program: &str, arguments: &[&str]) -> io::Result<()> {
    let mut command = std::process::Command::new(program);
    command.args(arguments).env_clear().current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // `output` of the standard library is posix_spawn, poll and waitid.
    let output = command.output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("{program} ended with {}", output.status)))
    }
}

impl Bench {
    fn guarded(&self, program: &str, arguments: &[&str], level: SandboxLevel) -> io::Result<()> {
        let ended = self.runtime.block_on(self.launcher.run_to_end(command(program, arguments, level)));
        let ended = ended.map_err(io::Error::other)?.ended;
        if ended.how != How::Exited(0) || ended.sandbox.level < level {
            return Err(io::Error::other(format!("{program} at level {level:?}: {ended:?}")));
        }
        Ok(())
    }

    /// Milliseconds of one after the other, bare and at two levels in turns.
    fn one_at_a_time(
        &self,
        options: &Options,
        report: &Report,
        name: &str,
        program: &str,
        arguments: &[&str],
    ) -> io::Result<()> {
        let ways = [("bare", None), ("level 1", Some(SandboxLevel::Base)), ("level 3", Some(SandboxLevel::Filtered))];
        let mut samples: [Vec<f64>; 3] = Default::default();
        let count = options.singles.max(20) * 5;
        for turn in 0..count + 20 {
            for way in 0..ways.len() {
                let way = (turn + way) % ways.len();
                let start = Instant::now();
                match ways[way].1 {
                    None => bare(program, arguments)?,
                    Some(level) => self.guarded(program, arguments, level)?,
                }
                // The first turns warm everything up.
                if turn >= 20 {
                    samples[way].push(start.elapsed().as_secs_f64() * 1000.0);
                }
            }
        }
        let samples = samples.map(Samples::new);
        for ((way, _), samples) in ways.iter().zip(&samples) {
            let about = json!({"program": name, "way": way, "p99": crate::report::round(samples.quantile(0.99))});
            report.figure("guard_spawn", "ms", samples, &about);
        }
        for (index, level) in [(1, "level 1"), (2, "level 3")] {
            for (share, figure) in [(0.5, "guard_added_p50"), (0.99, "guard_added_p99")] {
                let added = samples[index].quantile(share) - samples[0].quantile(share);
                report.single(figure, "ms", added, &json!({"program": name, "way": level}));
            }
        }
        Ok(())
    }

    /// Runs per second through one launcher.
    fn rate(&self, options: &Options, report: &Report, at_once: usize) -> io::Result<()> {
        let about = json!({"child": "sh -c true", "at_once": at_once, "way": "level 3"});
        report.rounds("guard_rate", "per_second", &about, || {
            let start = Instant::now();
            self.runtime.block_on(async {
                let mut running = tokio::task::JoinSet::<Result<Collected, SpawnError>>::new();
                for _ in 0..options.executions {
                    if running.len() >= at_once
                        && let Some(ended) = running.join_next().await
                    {
                        ended?.map_err(io::Error::other)?;
                    }
                    let launcher = self.launcher.clone();
                    let command = command("/bin/sh", &["-c", "true"], SandboxLevel::Filtered);
                    running.spawn(async move { launcher.run_to_end(command).await });
                }
                while let Some(ended) = running.join_next().await {
                    ended?.map_err(io::Error::other)?;
                }
                io::Result::Ok(())
            })?;
            Ok(options.executions as f64 / start.elapsed().as_secs_f64())
        })?;
        Ok(())
    }

    /// What the launcher and a guard hold of memory, shared pages by their share.
    fn memory(&self, report: &Report) -> io::Result<()> {
        let own = std::process::id();
        let launcher = children_of(own)?.into_iter().find(|pid| command_line(*pid).starts_with("attune-launcher"));
        let launcher = launcher.ok_or_else(|| io::Error::other("there is no launcher"))?;
        let guards = children_of(launcher)?;
        let samples: Vec<f64> = guards.iter().filter_map(|guard| proportional_bytes(*guard)).collect();
        report.single(
            "launcher_memory",
            "bytes",
            proportional_bytes(launcher).unwrap_or(f64::NAN),
            &json!({"kind": "pss"}),
        );
        report.figure("guard_memory", "bytes", &Samples::new(samples), &json!({"kind": "pss", "guards": guards.len()}));
        Ok(())
    }

    /// A gibibyte from a child to a file: through pipe, window and channel, beside `cat`.
    fn throughput(&self, report: &Report) -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let mebibytes = (FLOOD_BYTES >> 20) as f64;
        let flood = format!("head -c {FLOOD_BYTES} /dev/zero");
        let (mut floors, mut ours) = (Vec::new(), Vec::new());
        let about = json!({"bytes": FLOOD_BYTES});
        let ratio = report.rounds("log_path_over_cat", "ratio", &about, || {
            let file = folder.path().join("cat");
            let start = Instant::now();
            bare("/bin/sh", &["-c", &format!("{flood} | cat >'{}'", file.display())])?;
            let floor = mebibytes / start.elapsed().as_secs_f64();
            std::fs::remove_file(&file)?;
            let file = folder.path().join("pump");
            let start = Instant::now();
            self.runtime.block_on(self.pump(&flood, &file))?;
            let own = mebibytes / start.elapsed().as_secs_f64();
            std::fs::remove_file(&file)?;
            floors.push(floor);
            ours.push(own);
            Ok(own / floor)
        })?;
        eprintln!("  log path: {ratio:.2} of cat");
        report.figure("floor_cat", "MiB/s", &Samples::new(floors), &about);
        report.figure("log_path", "MiB/s", &Samples::new(ours), &about);
        Ok(())
    }

    async fn pump(&self, script: &str, file: &std::path::Path) -> io::Result<()> {
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<attune_process::Chunk>(16);
        let mut command = command("/bin/sh", &["-c", script], SandboxLevel::Filtered);
        command.stdout = OutputLimits::of(u64::MAX);
        let child = self.launcher.spawn(command, sender).await.map_err(io::Error::other)?;
        let mut file = std::fs::File::create(file)?;
        let writing = tokio::task::spawn_blocking(move || -> io::Result<u64> {
            let mut written = 0;
            while let Some(chunk) = receiver.blocking_recv() {
                io::Write::write_all(&mut file, &chunk.bytes)?;
                written += chunk.bytes.len() as u64;
            }
            Ok(written)
        });
        let ended = child.wait().await;
        let written = writing.await??;
        if ended.how != How::Exited(0) || written != FLOOD_BYTES {
            return Err(io::Error::other(format!("{written} bytes arrived: {ended:?}")));
        }
        Ok(())
    }
}

fn children_of(parent: u32) -> io::Result<Vec<u32>> {
    let text = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
    let mut all: Vec<u32> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    // Children belong to the thread that made them.
    for task in std::fs::read_dir(format!("/proc/{parent}/task"))?.flatten() {
        let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        all.extend(text.split_whitespace().filter_map(|word| word.parse::<u32>().ok()));
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

fn command_line(pid: u32) -> String {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).into_owned()
}

fn proportional_bytes(pid: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib * 1024.0)
}
