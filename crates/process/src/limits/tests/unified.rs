//! cgroup v2, in an imitated tree: what containers, service units and hosts look like.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::imitation::{Imitation, MadeUpHost, ReadOnly};
use crate::limits::group_files::GroupFiles;
use crate::limits::host::Host;
use crate::limits::{By, LimitName, Limits, OomEvidence, OomScope, PreparedLimits};

fn read(file: &Path) -> String {
    fs::read_to_string(file).expect("readable").trim().to_owned()
}

fn memory(bytes: u64) -> Limits {
    Limits { memory_bytes: Some(bytes), ..Limits::default() }
}

#[test]
fn in_a_container_of_its_own_all_processes_make_room() {
    let made_up = MadeUpHost::with("/", "cpu memory pids");
    let own = std::process::id();
    fs::write(made_up.group("cgroup.procs"), format!("1\n{own}\n")).expect("written");
    let support = made_up.host(&Imitation).discover();
    assert_eq!(support.enforces(LimitName::Memory), By::Cgroup, "{:?}", support.notes());
    assert_eq!(support.enforces(LimitName::Processes), By::Cgroup);
    assert_eq!(read(&made_up.group("cgroup.subtree_control")), "memory pids");
    assert_eq!(read(&made_up.group("attune-own/cgroup.procs")), format!("1\n{own}"));
    assert!(support.notes()[0].starts_with("moved 2 of the processes"), "{:?}", support.notes());
    assert_eq!(made_up.groups_in("."), ["attune-own"], "what was tried out is gone");

    // The next process of the same worker starts in there and finds everything ready.
    made_up.is_in("/attune-own");
    let again = made_up.host(&Imitation).discover();
    assert_eq!(again.enforces(LimitName::Memory), By::Cgroup, "{:?}", again.notes());
    assert!(!again.notes()[0].starts_with("moved"), "{:?}", again.notes());
    assert_eq!(again.group_parents(), [made_up.path("sys/fs/cgroup")]);
    assert_eq!(again.control_directories(), [made_up.path("sys/fs/cgroup")]);
}

#[test]
fn a_group_with_strangers_in_it_is_never_divided() {
    let made_up = MadeUpHost::with("/user/session", "memory pids");
    fs::write(made_up.group("user/session/cgroup.procs"), format!("{}\n4711\n4712\n", std::process::id()))
        .expect("written");
    let support = made_up.host(&Imitation).discover();
    assert_eq!(support.enforces(LimitName::Memory), By::Rlimit);
    let why = support.memory.expect_err("not divided");
    assert!(why.contains("2 other processes are in"), "{why}");
    assert_eq!(made_up.groups_in("user/session"), Vec::<String>::new());
}

#[test]
fn a_unit_that_systemd_keeps_for_itself_is_left_alone() {
    let made_up = MadeUpHost::with("/system.slice/attune.service", "memory pids");
    fs::create_dir_all(made_up.path("run/systemd/system")).expect("made");
    let support = made_up.host(&Imitation).discover();
    let why = support.memory.expect_err("not delegated");
    assert!(why.contains("Delegate=yes"), "{why}");

    // Once it is delegated everything in it is ours: the worker's launcher, too.
    fs::write(made_up.group("system.slice/attune.service/cgroup.procs"), format!("{}\n7\n", std::process::id()))
        .expect("written");
    let host = Host { is_delegated: |group| group.ends_with("attune.service"), ..made_up.host(&Imitation) };
    assert_eq!(host.discover().enforces(LimitName::Memory), By::Cgroup);
    made_up.is_in("/system.slice/attune.service/attune-own");
    assert_eq!(host.discover().enforces(LimitName::Memory), By::Cgroup, "and so it is after the move");
}

#[test]
fn what_stands_in_the_way_is_said() {
    let read_only = MadeUpHost::with("/", "memory pids");
    let table = [
        (MadeUpHost::bare().host(&Imitation).discover(), "the kernel has no cgroup v2"),
        (MadeUpHost::with("/", "hugetlb").host(&Imitation).discover(), "offers no memory controller"),
        (read_only.host(&ReadOnly).discover(), "not writable"),
    ];
    for (support, reason) in table {
        let why = support.memory.clone().expect_err(reason);
        assert!(why.starts_with("no writable cgroup (") && why.contains(reason), "{why}");
        assert!(support.notes().iter().any(|note| note.contains(reason)), "{:?}", support.notes());
    }
    let threaded = MadeUpHost::with("/a", "memory pids");
    fs::write(threaded.group("a/cgroup.type"), "threaded\n").expect("written");
    let why = threaded.host(&Imitation).discover().memory.expect_err("threaded");
    assert!(why.contains("threaded group"), "{why}");
}

#[test]
fn an_execution_has_its_group_until_its_end_and_the_kill_for_memory_is_proven() {
    let made_up = MadeUpHost::with("/", "memory pids");
    let support = made_up.host(&Imitation).discover();
    let limits = Limits { processes: Some(64), ..memory(64 << 20) };
    let prepared = PreparedLimits::with(&limits, &support).expect("enforced");
    let names = made_up.groups_in(".");
    let name = names.iter().find(|name| name.starts_with("attune-x-")).expect("a group");
    let file = |file: &str| made_up.group(name).join(file);
    assert_eq!(read(&file("memory.max")), "67108864");
    assert_eq!(read(&file("memory.swap.max")), "0");
    assert_eq!(read(&file("memory.oom.group")), "1");
    assert_eq!(read(&file("pids.max")), "64");
    assert!(prepared.can_kill() && prepared.kill());
    assert_eq!(read(&file("cgroup.kill")), "1");

    fs::write(file("memory.peak"), "67100000\n").expect("written");
    for events in ["memory.events", "memory.events.local"] {
        fs::write(file(events), "max 12\noom 1\noom_kill 3\n").expect("written");
    }
    let accounting = prepared.finish();
    assert_eq!(accounting.peak_memory_bytes, Some(67_100_000));
    assert_eq!(accounting.cpu, Some(Duration::from_millis(1500)));
    let (limit_bytes, peak_bytes) = (Some(64 << 20), Some(67_100_000));
    assert_eq!(accounting.oom_killed, Some(OomEvidence { limit_bytes, peak_bytes, scope: OomScope::Execution }));
    assert_eq!(made_up.groups_in("."), ["attune-own"]);
}

#[test]
fn a_kill_by_the_limit_of_the_container_is_not_blamed_on_the_execution() {
    let made_up = MadeUpHost::with("/", "memory pids");
    made_up.host(&Imitation).discover();
    made_up.is_in("/attune-own");
    let support = made_up.host(&Imitation).discover();
    fs::write(made_up.group("attune-own/memory.max"), "1073741824\n").expect("written");

    let in_a_group = PreparedLimits::with(&memory(64 << 20), &support).expect("enforced");
    let names = made_up.groups_in(".");
    let name = names.iter().find(|name| name.starts_with("attune-x-")).expect("a group");
    fs::write(made_up.group(name).join("memory.events.local"), "oom_kill 1\n").expect("written");
    let evidence = in_a_group.finish().oom_killed.expect("killed");
    assert_eq!((evidence.scope, evidence.limit_bytes), (OomScope::Surroundings, Some(1 << 30)));

    let without = PreparedLimits::with(&Limits::default(), &support).expect("nothing asked");
    fs::write(made_up.group("attune-own/memory.events.local"), "oom_kill 7\n").expect("written");
    let evidence = without.finish().oom_killed.expect("killed");
    assert_eq!((evidence.scope, evidence.limit_bytes), (OomScope::Surroundings, Some(1 << 30)));
    let later = PreparedLimits::with(&Limits::default(), &support).expect("nothing asked");
    assert_eq!(later.finish().oom_killed, None, "what happened before is nobody's proof");
}

#[test]
fn groups_of_guards_that_are_no_more_are_removed() {
    let made_up = MadeUpHost::with("/", "memory pids");
    let support = made_up.host(&Imitation).discover();
    let alive = PreparedLimits::with(&memory(1 << 20), &support).expect("enforced");
    let names = made_up.groups_in(".");
    let name = names.iter().find(|name| name.starts_with("attune-x-")).expect("a group");
    let mut parts: Vec<&str> = name.split('-').collect();
    parts[4] = "1";
    Imitation.make(&made_up.group(&parts.join("-"))).expect("made");
    assert_eq!(support.sweep(), 1);
    assert_eq!(made_up.groups_in(".").len(), 2, "the living one and our own");
    drop(alive);
    assert_eq!(made_up.groups_in("."), ["attune-own"]);
}
