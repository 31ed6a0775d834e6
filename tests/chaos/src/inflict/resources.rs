//! A worker that gets too little of what it needs.

use std::path::Path;
use std::time::{Duration, Instant};

use attune_process::clock;

use super::Hand;
use crate::census;
use crate::host::Host;
use crate::keeper::{Recipe, send};

/// The worker cannot open anything more.
pub(super) async fn no_descriptors(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    let pid = host.keeper.pid().ok_or("it does not run")?;
    let had = limit(pid, None)?;
    let open = census::holding(pid).descriptors as u64;
    limit(pid, Some(libc::rlimit64 { rlim_cur: open.max(4), rlim_max: had.rlim_max }))?;
    hand.note("descriptors allowed", open as f64);
    // It may end over it; then it is started again with the usual limit.
    host.keeper.expect_end();
    hand.wait().await;
    if host.keeper.pid() == Some(pid) {
        limit(pid, Some(had))?;
    }
    Ok(())
}

fn limit(pid: u32, new: Option<libc::rlimit64>) -> Result<libc::rlimit64, String> {
    let pid = libc::pid_t::try_from(pid).map_err(|error| error.to_string())?;
    let mut old = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    let wanted = new.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: both pointers are null or to live values of the right type.
    let done = unsafe { libc::prlimit64(pid, libc::RLIMIT_NOFILE, wanted, &raw mut old) };
    if done == 0 { Ok(old) } else { Err(std::io::Error::last_os_error().to_string()) }
}

/// The worker and its guards run one twentieth of the time.
pub(super) async fn starved(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    let begun = Instant::now();
    while begun.elapsed() < hand.lasts {
        // Exactly those that were stopped go on: the worker may have died meanwhile, and its guards must find out.
        let mut stopped: Vec<u32> = host.keeper.pid().into_iter().collect();
        let below = host.keeper.pid().map(census::descendants).unwrap_or_default();
        stopped.extend(below.iter().filter(|one| one.name.starts_with("attune")).map(|one| one.pid));
        stopped.iter().for_each(|pid| send(*pid, libc::SIGSTOP));
        tokio::time::sleep(Duration::from_millis(475)).await;
        stopped.iter().for_each(|pid| send(*pid, libc::SIGCONT));
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    Ok(())
}

/// Nothing more can be written to the disk that holds what the worker keeps; it is the first worker's, made small.
pub(super) async fn disk_full(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.stage.workers.first().ok_or("there is no worker")?;
    hand.struck.target.clone_from(&host.name);
    let filler = host.state.join("filler");
    let mut file = std::fs::File::create(&filler).map_err(|error| error.to_string())?;
    let block = vec![0_u8; 64 << 10];
    let mut written = 0_usize;
    while written < (512 << 20) {
        match std::io::Write::write(&mut file, &block) {
            Ok(0) | Err(_) => break,
            Ok(length) => written += length,
        }
    }
    hand.note("filled MiB", (written >> 20) as f64);
    hand.wait().await;
    drop(file);
    std::fs::remove_file(&filler).map_err(|error| error.to_string())
}

/// The kernel kills the worker for memory. It is started again in a group of its own of the version 1 controller, which a
/// bare machine has, because what a process has got before it came to a group does not count there. What it starts is
/// taken out again, so that there is nothing else to kill; then the group may have no page more than it has.
pub(super) async fn out_of_memory(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    let root = std::path::PathBuf::from("/sys/fs/cgroup/memory");
    let group = root.join(format!("attune-chaos-{}-{}", std::process::id(), host.name));
    let told = |error: std::io::Error| format!("the memory controller cannot be used: {error}");
    std::fs::create_dir(&group).map_err(told)?;
    let had = host.keeper_recipe();
    let enter = format!("echo $$ >{}/cgroup.procs && exec \"$0\"", group.display());
    host.keeper.change(|recipe| {
        recipe.arguments = vec!["-c".to_owned(), enter, had.program.display().to_string()];
        recipe.program = "/bin/sh".into();
    });
    let earlier = host.keeper.pid();
    host.keeper.kill();
    let killed = squeezed(hand, &host, earlier, &group, &root, had).await;
    if let (Err(_), Some(pid)) = (&killed, host.keeper.pid()) {
        // It lives on, and shall not crawl.
        std::fs::write(root.join("cgroup.procs"), pid.to_string()).map_err(told)?;
    }
    for _ in 0..100 {
        if std::fs::remove_dir(&group).is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    killed
}

/// Waits until the worker works in its group, and takes memory from it until it is killed.
async fn squeezed(
    hand: &mut Hand<'_>,
    host: &Host,
    earlier: Option<u32>,
    group: &Path,
    root: &Path,
    had: Recipe,
) -> Result<(), String> {
    let told = |error: std::io::Error| format!("the memory controller cannot be used: {error}");
    let begun = Instant::now();
    let pid = loop {
        let now = host.keeper.pid().filter(|pid| Some(*pid) != earlier);
        if let Some(pid) = now.filter(|pid| !census::busy_guards(*pid).is_empty()) {
            break pid;
        }
        if begun.elapsed() > Duration::from_secs(30) {
            host.keeper.change(|recipe| *recipe = had);
            return Err("it did not work in its group".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    host.keeper.change(|recipe| *recipe = had);
    for below in census::descendants(pid) {
        // Some have ended since.
        let _ = std::fs::write(root.join("cgroup.procs"), below.pid.to_string());
    }
    hand.note("resident KiB", census::holding(pid).resident_kib as f64);
    let before = host.keeper.exits().len();
    host.keeper.expect_end();
    // What comes back is counted from here.
    hand.struck.from_us = clock::wall();
    let begun = Instant::now();
    while host.keeper.exits().len() == before && begun.elapsed() < Duration::from_secs(30) {
        // The kernel refuses what it cannot get back; the next page that the worker touches is too much then.
        let used = std::fs::read_to_string(group.join("memory.usage_in_bytes")).map_err(told)?;
        let _ = std::fs::write(group.join("memory.limit_in_bytes"), used.trim());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let code = host.keeper.exits().get(before).map_or(-1, |exit| exit.code);
    hand.note("exit code", f64::from(code));
    if code == 137 { Ok(()) } else { Err(format!("it was not killed: {code}")) }
}
