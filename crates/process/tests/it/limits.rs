//! Limits, through the launcher and a guard: held, told, and nothing of them left.

use std::fs;
use std::path::PathBuf;

use attune_process::limits::Support;
use attune_process::{By, Collected, Command, How, Launcher, LauncherProgram, LimitName, Limits, OomScope};

use crate::fixture::Fixture;

fn launcher() -> Launcher {
    Launcher::start(LauncherProgram::At(env!("CARGO_BIN_EXE_attune-launcher").into())).expect("a launcher")
}

fn limited(fixture: &Fixture, script: &str, limits: Limits) -> Command {
    let mut command = fixture.shell(script);
    command.limits = limits;
    command
}

/// Runs commands side by side under one launcher, and asserts that no control group of theirs is left.
fn all(fixture: &Fixture, commands: Vec<Command>) -> Vec<Collected> {
    let ends = fixture.run(async {
        let launcher = launcher();
        let running: Vec<_> = commands
            .into_iter()
            .map(|command| {
                let launcher = launcher.clone();
                tokio::spawn(async move { launcher.run_to_end(command).await.expect("it starts") })
            })
            .collect();
        let mut ends = Vec::new();
        for one in running {
            ends.push(one.await.expect("it ends"));
        }
        ends
    });
    let parents = Support::of_this_process().group_parents();
    let groups = parents.iter().flat_map(|parent| fs::read_dir(parent).expect("a group")).flatten();
    // Those of tests that run in another program now have a living maker.
    let left: Vec<PathBuf> = groups.map(|entry| entry.path()).filter(|path| is_of_nobody(path)).collect();
    assert!(left.is_empty(), "{left:?}");
    ends
}

fn is_of_nobody(group: &std::path::Path) -> bool {
    let name = group.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let maker = name.strip_prefix("attune-x-").and_then(|rest| rest.split('-').nth(1)?.parse::<u32>().ok());
    maker.is_some_and(|pid| !PathBuf::from(format!("/proc/{pid}")).exists())
}

fn enforced(end: &Collected) -> Vec<(LimitName, u64, &By)> {
    end.ended.limits.entries.iter().map(|entry| (entry.name, entry.asked, &entry.enforced)).collect()
}

#[test]
fn the_kernels_kill_for_memory_is_told_with_limit_and_peak_and_neighbours_finish() {
    let fixture = Fixture::new();
    let limits = Limits { memory_bytes: Some(64 << 20), ..Limits::default() };
    let mut commands = vec![limited(&fixture, "exec tail /dev/zero", limits)];
    commands.extend((0..10).map(|_| limited(&fixture, "head -c 4000000 /dev/zero | wc -c; exit 5", limits)));
    let ends = all(&fixture, commands);
    for neighbour in &ends[1..] {
        assert_eq!((neighbour.ended.how, neighbour.ended.oom), (How::Exited(5), None));
        assert_eq!(neighbour.stdout, b"4000000\n");
    }
    let greedy = &ends[0];
    if Support::of_this_process().enforces(LimitName::Memory) != By::Cgroup {
        assert_eq!((greedy.ended.how, greedy.ended.oom), (How::Exited(1), None));
        assert_eq!(enforced(greedy), [(LimitName::Memory, 64 << 20, &By::Rlimit)]);
        return;
    }
    assert_eq!(greedy.ended.how, How::Signaled(libc::SIGKILL));
    assert_eq!(enforced(greedy), [(LimitName::Memory, 64 << 20, &By::Cgroup)]);
    let evidence = greedy.ended.oom.expect("evidence");
    assert_eq!((evidence.limit_bytes, evidence.scope), (Some(64 << 20), OomScope::Execution));
    assert_eq!(greedy.ended.usage.peak_tree_bytes, evidence.peak_bytes);
    assert!(evidence.peak_bytes.is_some_and(|peak| (48 << 20..=65 << 20).contains(&peak)), "{evidence:?}");
}

#[test]
fn twenty_fork_bombs_are_bounded_each_by_its_own_limit() {
    let fixture = Fixture::new();
    let support = Support::of_this_process();
    if support.enforces(LimitName::Processes) != By::Cgroup {
        return;
    }
    // Forks until it is refused, counts, and leaves all of them behind.
    let bomb = "n=0; while [ $n -lt 200 ]; do sleep 1000 & n=$((n+1)); echo $n; done";
    let limits = Limits { processes: Some(32), ..Limits::default() };
    let ends = all(&fixture, (0..20).map(|_| limited(&fixture, bomb, limits)).collect());
    for end in ends {
        let last: u32 = String::from_utf8_lossy(&end.stdout).lines().last().expect("some").parse().expect("a number");
        assert!((20..=31).contains(&last), "{last}: {end:?}");
        assert_eq!(enforced(&end), [(LimitName::Processes, 32, &By::Cgroup)]);
    }
}

#[test]
fn what_each_process_is_limited_in_ends_it_by_a_signal_that_says_so() {
    let fixture = Fixture::new();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("big");
    let cpu = Limits { cpu_seconds: Some(1), ..Limits::default() };
    let files = Limits { file_bytes: Some(8192), open_files: Some(32), ..Limits::default() };
    let write = format!("ulimit -n; ulimit -c; exec head -c 100000 /dev/zero > {}", file.display());
    let ends = all(&fixture, vec![limited(&fixture, "while :; do :; done", cpu), limited(&fixture, &write, files)]);
    assert_eq!(ends[0].ended.how, How::Signaled(libc::SIGXCPU));
    assert_eq!(enforced(&ends[0]), [(LimitName::Cpu, 1, &By::Rlimit)]);
    assert_eq!(ends[1].ended.how, How::Signaled(libc::SIGXFSZ));
    assert_eq!(ends[1].stdout, b"32\n0\n");
    assert_eq!(fs::metadata(&file).expect("written").len(), 8192);
}
