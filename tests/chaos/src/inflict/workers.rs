//! Workers that die, stop, drain, or meet a second of their name.

use std::time::{Duration, Instant};

use super::Hand;
use crate::census;
use crate::host::Host;
use crate::keeper::{Keeper, send};
use crate::stage::Stage;

/// Kills the worker and watches its process trees die.
pub(super) async fn kill(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    until_busy(hand.stage, &host).await;
    host.keeper.kill();
    watch_trees(hand, &host).await;
    Ok(())
}

/// Waits until something runs there, for a while: whoever kills an idle worker learns little.
async fn until_busy(stage: &Stage, host: &Host) {
    let name = worker_name(stage, host);
    let begun = Instant::now();
    while on(stage, &name).is_empty() && begun.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Kills it and does not start it again for a while.
pub(super) async fn gone(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    host.keeper.retire();
    host.keeper.kill();
    watch_trees(hand, &host).await;
    hand.wait().await;
    host.keeper.start().map_err(|error| error.to_string())
}

/// How long it takes until nothing is left of what ran on the worker when it was hit.
async fn watch_trees(hand: &mut Hand<'_>, host: &Host) {
    let (stage, name) = (hand.stage, worker_name(hand.stage, host));
    let begun = Instant::now();
    let there: Vec<u32> = on(stage, &name);
    let mut left = there.clone();
    while !left.is_empty() && begun.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let living = on(stage, &name);
        left.retain(|pid| living.contains(pid));
    }
    hand.note("processes of its actions", there.len() as f64);
    hand.note("trees dead after ms", begun.elapsed().as_secs_f64() * 1000.0);
}

fn on(stage: &Stage, worker: &str) -> Vec<u32> {
    let residents = census::residents(&stage.mark());
    residents.into_iter().filter(|one| worker.is_empty() || one.worker == worker).map(|one| one.pid).collect()
}

/// The name under which it registered; empty where there is only one.
fn worker_name(stage: &Stage, host: &Host) -> String {
    if stage.workers.is_empty() { String::new() } else { host.name.clone() }
}

/// Stops the worker, not its guards.
pub(super) async fn stop(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    host.keeper.signal(libc::SIGSTOP);
    hand.wait().await;
    host.keeper.signal(libc::SIGCONT);
    Ok(())
}

/// Stops the worker and everything below it, as when its machine is suspended.
pub(super) async fn stop_host(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    let pid = host.keeper.pid().ok_or("it does not run")?;
    host.keeper.signal(libc::SIGSTOP);
    // What a stopped process starts is nothing; what its children start until they are stopped is found in the next round.
    let mut stopped: Vec<u32> = Vec::new();
    for _ in 0..5 {
        let below: Vec<u32> = census::descendants(pid).iter().map(|one| one.pid).collect();
        below.iter().for_each(|pid| send(*pid, libc::SIGSTOP));
        stopped = below;
    }
    hand.wait().await;
    host.keeper.signal(libc::SIGCONT);
    // Top down: whoever must kill the rest first gets his chance to.
    stopped.iter().for_each(|pid| send(*pid, libc::SIGCONT));
    Ok(())
}

/// Kills one guard that holds a process tree.
pub(super) async fn kill_guard(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    let begun = Instant::now();
    loop {
        let guards = host.keeper.pid().map(census::busy_guards).unwrap_or_default();
        if !guards.is_empty() {
            let guard = guards[hand.dice.below(guards.len())];
            let tree: Vec<u32> = census::descendants(guard).iter().map(|one| one.pid).collect();
            send(guard, libc::SIGKILL);
            let killed = Instant::now();
            let living = || {
                let all: Vec<u32> = census::residents(&hand.stage.mark()).iter().map(|one| one.pid).collect();
                tree.iter().any(|pid| all.contains(pid))
            };
            while living() && killed.elapsed() < Duration::from_secs(20) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            hand.note("tree dead after ms", killed.elapsed().as_secs_f64() * 1000.0);
            return Ok(());
        }
        if begun.elapsed() > Duration::from_secs(20) {
            return Err("no guard was busy".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Kills the launcher.
pub(super) async fn kill_launcher(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    let launcher = host.keeper.pid().and_then(census::launcher).ok_or("it has no launcher")?;
    // It may be that the worker ends over it; then it is started again.
    host.keeper.expect_end();
    send(launcher, libc::SIGKILL);
    Ok(())
}

/// Asks it to end: once, twice or three times.
pub(super) async fn terminate(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    let times = 1 + hand.form(3);
    terminate_times(hand, &host, times).await
}

/// Asks it to end so many times, a second apart, and notes how long that took.
pub(super) async fn terminate_times(hand: &mut Hand<'_>, host: &Host, times: usize) -> Result<(), String> {
    let before = host.keeper.exits().len();
    let mut last = Instant::now();
    for _ in 0..times {
        host.keeper.signal(libc::SIGTERM);
        last = Instant::now();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    while host.keeper.exits().len() == before && last.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let name = match times {
        1 => "ended s after the first signal",
        2 => "ended s after the second signal",
        _ => "ended s after the third signal",
    };
    hand.note(name, last.elapsed().as_secs_f64());
    match host.keeper.exits().get(before) {
        Some(exit) if matches!(exit.code, 0 | 130 | 143) => Ok(()),
        Some(exit) => Err(format!("it ended with {}", exit.code)),
        None => Err("it did not end".to_owned()),
    }
}

/// Starts a second worker of its name beside it; later the first comes back.
pub(super) async fn take_name(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    host.keeper.retire();
    host.keeper.expect_end();
    let mut recipe = host.keeper_recipe();
    for (name, value) in &mut recipe.environment {
        if name == "ATTUNE__PATHS__STATE_DIR" {
            value.push_str("-intruder");
        }
    }
    recipe.log = recipe.log.with_extension("intruder.log");
    let intruder = Keeper::new(&format!("{} (intruder)", host.name), recipe);
    intruder.start().map_err(|error| error.to_string())?;
    let begun = Instant::now();
    let before = host.keeper.exits().len();
    while host.keeper.pid().is_some() && begun.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    hand.note("the first ended s after", begun.elapsed().as_secs_f64());
    let code = host.keeper.exits().get(before).map_or(-1, |exit| exit.code);
    hand.note("exit code of the first", f64::from(code));
    hand.wait().await;
    // The first comes back and takes the name again.
    intruder.retire();
    host.keeper.start().map_err(|error| error.to_string())?;
    let ended = intruder.down(Duration::from_secs(60)).await;
    let second = intruder.exits().first().map_or(-1, |exit| exit.code);
    hand.note("exit code of the second", f64::from(second));
    match (ended, code, second) {
        (true, 3, 3) => Ok(()),
        _ => Err(format!("the first ended with {code}, the second with {second}")),
    }
}

/// Where Debian puts the library that tells a program another time.
const OTHER_TIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// Starts the worker again with a wall clock that is an hour off, forth or back.
pub(super) async fn clock(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    if !std::path::Path::new(OTHER_TIME).exists() {
        return Err("libfaketime is not installed".to_owned());
    }
    let off = if hand.form(2) == 0 { "+1h" } else { "-1h" };
    let had = host.keeper_recipe().environment;
    host.keeper.change(|recipe| {
        for (name, value) in [("LD_PRELOAD", OTHER_TIME), ("FAKETIME", off), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")] {
            recipe.environment.push((name.to_owned(), value.to_owned()));
        }
    });
    host.keeper.kill();
    hand.wait().await;
    host.keeper.change(|recipe| recipe.environment = had);
    host.keeper.kill();
    Ok(())
}
