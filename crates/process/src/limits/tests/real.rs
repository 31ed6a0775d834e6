//! What this kernel really does, with real processes.

use std::fs;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::imitation::{Imitation, MadeUpHost};
use crate::clock;
use crate::limits::{By, LimitName, Limits, OomScope, PreparedLimits, Support, probe, raw};

/// A child under limits, and its groups for as long as it lives.
struct Limited {
    child: std::process::Child,
    prepared: Arc<PreparedLimits>,
}

/// How it ended, what it wrote, what it used.
struct Outcome {
    status: ExitStatus,
    stdout: String,
    accounting: crate::limits::Accounting,
}

fn start(prepared: PreparedLimits, script: &str) -> Limited {
    start_as(None, prepared, script)
}

fn start_as(user: Option<u32>, prepared: PreparedLimits, script: &str) -> Limited {
    let prepared = Arc::new(prepared);
    #[expect(clippy::disallowed_methods, reason = "the limits are tried without the guard that will use them")]
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let limits = Arc::clone(&prepared);
    // SAFETY: what runs between fork and exec makes nothing but system calls.
    unsafe { command.pre_exec(move || limits.apply().map_err(std::io::Error::from_raw_os_error)) };
    if let Some(user) = user {
        command.uid(user);
    }
    let child = command.spawn().expect("started");
    drop(command);
    Limited { child, prepared }
}

impl Limited {
    fn end(mut self) -> Outcome {
        let mut stdout = String::new();
        self.child.stdout.take().expect("piped").read_to_string(&mut stdout).expect("text");
        let status = self.child.wait().expect("reaped");
        let prepared = Arc::into_inner(self.prepared).expect("nobody else has it");
        Outcome { status, stdout, accounting: prepared.finish() }
    }
}

fn limited(limits: &Limits) -> PreparedLimits {
    PreparedLimits::with(limits, Support::of_this_process()).expect("enforced here")
}

/// The groups that this test process has made and that are still there, of whichever test.
fn own_groups() -> Vec<PathBuf> {
    let own = format!("-{}-", std::process::id());
    let parents = Support::of_this_process().group_parents();
    let entries = parents.iter().flat_map(|parent| fs::read_dir(parent).expect("a group")).flatten();
    entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains(&own)).collect()
}

fn groups_of(prepared: &PreparedLimits) -> Vec<PathBuf> {
    prepared.group.as_ref().map(super::super::group::Group::directories).unwrap_or_default()
}

#[test]
fn a_script_that_takes_a_gibibyte_dies_of_its_limit_and_its_neighbour_does_not() {
    let limits = Limits { memory_bytes: Some(64 << 20), ..Limits::default() };
    let is_grouped = Support::of_this_process().enforces(LimitName::Memory) == By::Cgroup;
    let prepared = limited(&limits);
    let groups = groups_of(&prepared);
    let greedy = start(prepared, "exec tail /dev/zero");
    let neighbour = start(limited(&limits), "head -c 8000000 /dev/zero | wc -c");
    let greedy = greedy.end();
    let neighbour = neighbour.end();
    assert_eq!((neighbour.status.code(), neighbour.stdout.trim()), (Some(0), "8000000"));
    assert_eq!(neighbour.accounting.oom_killed, None);
    if !is_grouped {
        // Where no group can be made it is refused memory, and says so itself.
        assert_eq!(greedy.status.code(), Some(1));
        return;
    }
    assert_eq!(greedy.status.signal(), Some(libc::SIGKILL));
    let evidence = greedy.accounting.oom_killed.expect("the kernel counted it");
    assert_eq!((evidence.limit_bytes, evidence.scope), (Some(64 << 20), OomScope::Execution));
    let peak = evidence.peak_bytes.expect("the kernel knows it");
    assert!((48 << 20..=65 << 20).contains(&peak), "{peak}");
    assert!(!groups.is_empty() && groups.iter().all(|group| !group.exists()), "{groups:?}");
}

#[test]
fn the_kernel_may_kill_a_descendant_and_that_is_evidence_too() {
    if Support::of_this_process().enforces(LimitName::Memory) != By::Cgroup {
        return;
    }
    let limits = Limits { memory_bytes: Some(32 << 20), ..Limits::default() };
    let ended = start(limited(&limits), "(tail /dev/zero); exit 3").end();
    assert!(ended.accounting.oom_killed.is_some(), "{:?}", ended.status);
    let fine = start(limited(&limits), "exit 3").end();
    assert_eq!((fine.status.code(), fine.accounting.oom_killed), (Some(3), None));
    assert!(fine.accounting.peak_memory_bytes.is_some_and(|peak| peak > 0 && peak < 32 << 20));
}

#[test]
fn a_fork_bomb_stays_below_its_limit_and_is_killed_whole() {
    let limits = Limits { processes: Some(64), ..Limits::default() };
    let prepared = match PreparedLimits::with(&limits, Support::of_this_process()) {
        Ok(prepared) if prepared.group.is_some() => prepared,
        _ => return,
    };
    let groups = groups_of(&prepared);
    let members = || {
        let text = fs::read_to_string(groups[0].join("cgroup.procs")).unwrap_or_default();
        text.lines().count()
    };
    assert!(prepared.can_kill());
    let mut bomb = start(prepared, "bomb() { bomb | bomb & }; bomb; while :; do sleep 1; done");
    let begun = clock::boot();
    let mut most = 0;
    let refused = || fs::read_to_string(groups[0].join("pids.events")).is_ok_and(|text| text.trim() != "max 0");
    while !refused() {
        most = most.max(members());
        assert!(clock::boot() - begun < Duration::from_secs(30), "it never grew to its limit, only to {most}");
        raw::pause_millis(1);
    }
    for _ in 0..50 {
        most = most.max(members());
        raw::pause_millis(1);
    }
    assert!(most <= 64, "{most}");
    assert!(bomb.prepared.kill());
    bomb.child.wait().expect("reaped");
    let killed = clock::boot();
    while members() > 0 {
        assert!(clock::boot() - killed < Duration::from_secs(10), "{} outlive the kill", members());
        raw::pause_millis(1);
    }
    drop(bomb.prepared);
    assert!(groups.iter().all(|group| !group.exists()), "{groups:?}");
    assert!(own_groups().iter().all(|group| !groups.contains(group)));
}

#[test]
fn processor_time_ends_a_busy_loop_even_when_it_ignores_the_warning() {
    let limits = Limits { cpu_seconds: Some(1), ..Limits::default() };
    let busy = start(limited(&limits), "while :; do :; done");
    let stubborn = start(limited(&limits), "trap '' XCPU; while :; do :; done");
    assert_eq!(busy.end().status.signal(), Some(libc::SIGXCPU));
    assert_eq!(stubborn.end().status.signal(), Some(libc::SIGKILL));
}

#[test]
fn open_files_and_the_size_of_a_file_are_limited_and_no_core_is_ever_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("big");
    let limits = Limits { open_files: Some(16), file_bytes: Some(8192), ..Limits::default() };
    let script = format!("ulimit -n; ulimit -c; exec head -c 100000 /dev/zero > {}", file.display());
    let ended = start(limited(&limits), &script).end();
    assert_eq!(ended.stdout, "16\n0\n");
    assert_eq!(ended.status.signal(), Some(libc::SIGXFSZ));
    assert_eq!(fs::metadata(&file).expect("written").len(), 8192);
    let none = start(limited(&Limits::default()), "ulimit -c").end();
    assert_eq!(none.stdout, "0\n");
}

#[test]
fn without_control_groups_memory_is_refused_and_the_script_says_so_itself() {
    let made_up = MadeUpHost::bare();
    let support = made_up.host(&Imitation).discover();
    let limits = Limits { memory_bytes: Some(64 << 20), ..Limits::default() };
    let prepared = PreparedLimits::with(&limits, &support).expect("enforced");
    assert_eq!(prepared.report.entries[0].enforced, By::Rlimit);
    assert!(prepared.report.entries[0].weakness().is_some());
    let ended = start(prepared, "exec tail /dev/zero").end();
    assert_eq!((ended.status.code(), ended.accounting.oom_killed), (Some(1), None), "{:?}", ended.status);
}

#[test]
fn the_number_of_a_users_processes_is_limited_for_whom_it_binds() {
    // SAFETY: these make nothing but system calls; the child that changes its user leaves right after.
    let is_root = unsafe { libc::geteuid() } == 0;
    assert_eq!(probe::user_processes().is_err(), is_root);
    let as_somebody = raw::in_child(|| {
        if is_root {
            // SAFETY: as above.
            unsafe { libc::setgid(54_321) };
            // SAFETY: as above.
            unsafe { libc::setuid(54_321) };
        }
        u64::from(probe::user_processes().is_ok())
    });
    assert_eq!(as_somebody.expect("asked"), 1);
    if is_root {
        let count = raw::in_child(|| {
            // SAFETY: as above.
            unsafe { libc::setuid(54_322) };
            probe::count_user_processes()
        });
        assert_eq!(count.expect("counted"), 1, "nobody else has this user, so there is only the one who asks");
    }
}

#[test]
fn without_control_groups_a_user_whom_it_binds_cannot_have_more_processes() {
    // SAFETY: asks and changes nothing.
    let is_root = unsafe { libc::geteuid() } == 0;
    let made_up = MadeUpHost::bare();
    let support = Support { user_processes: Ok(()), ..made_up.host(&Imitation).discover() };
    let prepared = PreparedLimits::with(&Limits { processes: Some(16), ..Limits::default() }, &support);
    // The sleepers hold the output, so the end waits for them: nothing is left.
    let script = "n=0; while [ $n -lt 100 ]; do sleep 1 & n=$((n+1)); echo $n; done";
    let ended = start_as(is_root.then_some(54_323), prepared.expect("enforced"), script).end();
    let last: u32 = ended.stdout.lines().last().expect("some").parse().expect("a number");
    // Others of the same user may have ended or begun something meanwhile; root's stand-in is alone.
    assert!(if is_root { last == 15 } else { (8..40).contains(&last) }, "{last}");
}
