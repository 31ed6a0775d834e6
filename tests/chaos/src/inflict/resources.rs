//! A worker that gets too little of what it needs.

use std::time::{Duration, Instant};

use super::Hand;
use crate::census;
use crate::keeper::send;

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

/// The kernel kills for memory: an action, or the worker itself. Its group of the version 1 controller, which a bare
/// machine has, is limited to what it uses.
pub(super) async fn out_of_memory(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    let pid = host.keeper.pid().ok_or("it does not run")?;
    let group = std::path::PathBuf::from(format!("/sys/fs/cgroup/memory/attune-chaos-{pid}"));
    let told = |error: std::io::Error| format!("the memory controller cannot be used: {error}");
    std::fs::create_dir(&group).map_err(told)?;
    let write = |name: &str, text: String| std::fs::write(group.join(name), text).map_err(told);
    // What it has counts for the group that it was got in, unless it is told to come along.
    write("memory.move_charge_at_immigrate", "3".to_owned())?;
    write("cgroup.procs", pid.to_string())?;
    let resident = census::holding(pid).resident_kib;
    let before = host.keeper.exits().len();
    host.keeper.expect_end();
    let begun = Instant::now();
    let mut limited = Ok(());
    while host.keeper.exits().len() == before && begun.elapsed() < Duration::from_secs(30) {
        // What it uses at this moment: the next page that it touches is too much, when nothing else can be taken from it.
        limited = std::fs::read_to_string(group.join("memory.usage_in_bytes"))
            .map_err(told)
            .and_then(|used| write("memory.limit_in_bytes", used.trim().to_owned()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let code = host.keeper.exits().get(before).map_or(-1, |exit| exit.code);
    hand.note("resident KiB", resident as f64);
    hand.note("exit code", f64::from(code));
    if host.keeper.pid() == Some(pid) {
        // It lives on, and shall not crawl.
        std::fs::write("/sys/fs/cgroup/memory/cgroup.procs", pid.to_string()).map_err(told)?;
    }
    // Whoever it started before it died is still in the group for a moment.
    for _ in 0..100 {
        if std::fs::remove_dir(&group).is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    match (code, limited) {
        (137, _) => Ok(()),
        (code, Err(error)) => Err(format!("it was not killed: {code}; {error}")),
        (code, Ok(())) => Err(format!("it was not killed: {code}")),
    }
}
