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
    let all = |signal: i32| {
        if let Some(pid) = host.keeper.pid() {
            send(pid, signal);
            census::descendants(pid).iter().filter(|one| one.name.starts_with("attune")).for_each(|one| send(one.pid, signal));
        }
    };
    while begun.elapsed() < hand.lasts {
        all(libc::SIGSTOP);
        tokio::time::sleep(Duration::from_millis(475)).await;
        all(libc::SIGCONT);
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    all(libc::SIGCONT);
    Ok(())
}
