//! How many no-op children a second, and how long each takes: `cargo run --release --example many -- 2000 200` runs 2000
//! per row, with 200 MB resident in this process, beside what tokio does on its own.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use attune_process::{Command, How, Launcher, LauncherProgram, Sandbox, SandboxLevel, clock};

#[derive(Clone)]
enum Way {
    Guarded(Launcher, SandboxLevel),
    Tokio,
}

async fn guarded(launcher: &Launcher, level: SandboxLevel) -> bool {
    let mut command = Command::new("/bin/true").variable("PATH", "/usr/bin:/bin");
    command.sandbox = Sandbox { level, ..Sandbox::default() };
    launcher.run_to_end(command).await.is_ok_and(|collected| collected.ended.how == How::Exited(0))
}

#[expect(clippy::disallowed_methods, reason = "what it is compared with")]
async fn tokio_process() -> bool {
    let mut command = tokio::process::Command::new("/bin/true");
    command.env_clear().env("PATH", "/usr/bin:/bin").process_group(0).stdin(std::process::Stdio::null());
    command.output().await.is_ok_and(|output| output.status.success())
}

/// Runs `count` children, `at_once` at a time, and returns how long it took and how long each did.
async fn measure(way: &Way, count: usize, at_once: usize) -> (Duration, Vec<Duration>) {
    let left = Arc::new(AtomicUsize::new(count));
    let begun = clock::boot();
    let runners: Vec<_> = (0..at_once)
        .map(|_| {
            let (left, way) = (Arc::clone(&left), way.clone());
            tokio::spawn(async move {
                let mut took = Vec::new();
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    let begun = clock::boot();
                    let is_success = match &way {
                        Way::Guarded(launcher, level) => guarded(launcher, *level).await,
                        Way::Tokio => tokio_process().await,
                    };
                    assert!(is_success, "a child failed");
                    took.push(clock::boot() - begun);
                }
                took
            })
        })
        .collect();
    let mut took = Vec::with_capacity(count);
    for runner in runners {
        took.extend(runner.await.unwrap_or_default());
    }
    (clock::boot() - begun, took)
}

fn main() -> Result<(), Box<dyn Error>> {
    attune_process::serve_as_launcher_if_asked();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(500);
    let megabytes: usize = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    // Written to, so that the pages are really there.
    let ballast = vec![1_u8; megabytes << 20];
    let launcher = Launcher::start(LauncherProgram::Own)?;
    let ways = [
        ("level 1", Way::Guarded(launcher.clone(), SandboxLevel::Base)),
        ("level 2", Way::Guarded(launcher.clone(), SandboxLevel::Isolated)),
        ("level 3", Way::Guarded(launcher, SandboxLevel::Filtered)),
        ("tokio", Way::Tokio),
    ];
    let mut out = std::io::stdout();
    for round in 1..=3 {
        for at_once in [1, 2, 8] {
            for (name, way) in &ways {
                let (all, mut took) = measure(way, count, at_once).await;
                took.sort_unstable();
                writeln!(
                    out,
                    "round {round}  {name:7}  {at_once} at once  {:6.0}/s  p50 {:5.0} us  p99 {:6.0} us  ({} MB resident)",
                    count as f64 / all.as_secs_f64(),
                    took[count / 2].as_micros(),
                    took[count * 99 / 100].as_micros(),
                    ballast.len() >> 20,
                )?;
            }
        }
    }
    Ok(())
}
