//! Compares this crate's spawn with tokio's on the same no-op child: how many a second, and how long each takes.
//!
//! `cargo run --example spawn_rate -- 1000 200` runs 1000 children per row, with 200 MB resident in this process.

use std::ffi::OsString;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use attune_process::{Command, How, clock, run_to_end};

#[derive(Clone, Copy)]
enum Way {
    Attune,
    Tokio,
}

async fn attune() -> bool {
    let mut command = Command::new("/bin/sh").arguments(["-c", "true"]);
    command.environment = vec![(OsString::from("PATH"), OsString::from("/usr/bin:/bin"))];
    run_to_end(command).await.is_ok_and(|collected| collected.ended.how == How::Exited(0))
}

#[allow(clippy::disallowed_methods)]
async fn tokio_process() -> bool {
    let output = tokio::process::Command::new("/bin/sh")
        .args(["-c", "true"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .process_group(0)
        .stdin(std::process::Stdio::null())
        .output()
        .await;
    output.is_ok_and(|output| output.status.success())
}

/// Runs `count` children, `at_once` at a time, and returns how long each took.
async fn measure(way: Way, count: usize, at_once: usize) -> (Duration, Vec<Duration>) {
    let left = Arc::new(AtomicUsize::new(count));
    let begun = clock::boot();
    let runners: Vec<_> = (0..at_once)
        .map(|_| {
            let left = Arc::clone(&left);
            tokio::spawn(async move {
                let mut took = Vec::new();
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    let begun = clock::boot();
                    let is_success = match way {
                        Way::Attune => attune().await,
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

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(500);
    let megabytes: usize = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    // Written to, so that the pages are really there.
    let ballast = vec![1_u8; megabytes << 20];
    let mut out = std::io::stdout();
    for round in 1..=3 {
        for at_once in [1, 2, 8] {
            for (name, way) in [("attune", Way::Attune), ("tokio", Way::Tokio)] {
                let (all, mut took) = measure(way, count, at_once).await;
                took.sort_unstable();
                writeln!(
                    out,
                    "round {round}  {name:6}  {at_once} at once  {:7.0}/s  p50 {:6.0} us  p99 {:6.0} us  ({} MB resident)",
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
