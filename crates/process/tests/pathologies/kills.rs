//! The worker, the launcher and a guard, killed and stopped with twenty children running.
//!
//! Three processes play: the test itself, which only looks and kills; the worker, which is this program once more
//! ([`attune_testkit::enclosure::play`]) with a launcher and twenty children; and the children, among them daemonisers and
//! a fork bomb. The worker writes down how each child ended.

use std::collections::BTreeMap;
use std::fs;
use std::process::Child;
use std::time::Duration;

use attune_process::clock;
use attune_testkit::Surroundings;
use attune_testkit::enclosure::{play, role, test_of};
use attune_testkit::leaks::{Leaks, children_of, processes, wait_until_none};

use crate::stage::{Stage, Started, TWENTY};
use crate::world::World;

const BOMB: &str = include_str!("programs/bomb.pl");
const DAEMON: &str = include_str!("programs/daemon.pl");

/// What the children of the worker are to be.
#[derive(Debug, Clone, Copy, Default)]
struct Cast {
    /// How long each may run.
    timeout: Option<Duration>,
    /// Whether the worker puts the fence off all the time, as a worker does whose lease is renewed.
    has_fence: bool,
}

/// Runs a test of killing in every corner of the matrix: `watch` in the test, the worker beside it.
fn everywhere(test: &str, cast: Cast, watch: impl Fn(&mut Worker)) {
    for world in World::ALL {
        world.enclosure().run(test, |surroundings| {
            if role().is_some() {
                return be_worker(world, surroundings, cast);
            }
            let before = Leaks::before(&[]);
            let begun = clock::boot();
            let mut worker = Worker { world, surroundings, before, child: play("worker") };
            wait_until_none("the worker is up", || worker.missing("up"));
            eprintln!("{world:?}: twenty are up after {:?}", clock::boot() - begun);
            watch(&mut worker);
            let Worker { mut child, before, .. } = worker;
            child.kill().expect("the worker is killed");
            child.wait().expect("it is reaped");
            before.assert_no_process();
        });
    }
}

/// The worker's part: starts everybody, says so, and writes down the ends until all are there.
fn be_worker(world: World, surroundings: &Surroundings, cast: Cast) {
    let stage = Stage::set(world, surroundings.clone());
    let gate = surroundings.path("gate");
    let gate = gate.to_str().expect("text");
    let waiting = "until [ -e \"$DIRECTORY/gate\" ]; do sleep 0.05; done";
    stage.run(async {
        let fence = stage.launcher.fence();
        if cast.has_fence {
            tokio::spawn(async move {
                loop {
                    let now = clock::boot();
                    fence.extend(now + Duration::from_millis(1500), now + Duration::from_millis(2000));
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            });
        }
        let mut running: Vec<(usize, Started)> = Vec::new();
        for number in 0..TWENTY {
            let mut command = match number {
                0 => stage.perl(BOMB, &["100", gate]),
                1..7 => stage.shell(&format!(
                    "trap '' TERM; perl -e \"$DAEMON\" closes >/dev/null; echo up; {waiting}; exit {number}"
                )),
                7..13 => stage.shell(&format!("trap '' TERM; setsid sleep 1000 & echo up; {waiting}; exit {number}")),
                _ => stage.shell(&format!("echo up; {waiting}; exit {number}")),
            };
            command = command.variable("DAEMON", DAEMON);
            command.timeout = cast.timeout;
            command.grace = Duration::from_millis(200);
            running.push((number, stage.started(command).await));
        }
        let greed = surroundings.path("be greedy");
        tokio::spawn(async move {
            while !greed.exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            // Touched, so that it is really had.
            eprintln!("{}", vec![b'x'; 1 << 28].len());
        });
        let (asked, launcher, more) = (surroundings.path("one more"), stage.launcher.clone(), stage.shell("exit 3"));
        let answer = surroundings.clone();
        tokio::spawn(async move {
            while !asked.exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let end = match launcher.run_to_end(more).await {
                Ok(end) => format!("{:?}", end.ended.how),
                Err(error) if error.is_transient() => "later".to_owned(),
                Err(error) => format!("{error:?}"),
            };
            answer.write("more", &end);
        });
        let roots: Vec<String> = running.iter().map(|(number, one)| format!("{number} {}", one.pid)).collect();
        surroundings.write("roots", &roots.join("\n"));
        surroundings.write("up", "");
        let (sender, mut ends) = tokio::sync::mpsc::channel(TWENTY);
        for (number, one) in running {
            let sender = sender.clone();
            tokio::spawn(async move { sender.send((number, one.end().await)).await });
        }
        drop(sender);
        let mut lines = String::new();
        while let Some((number, end)) = ends.recv().await {
            lines.push_str(&format!("{number} {:?} {:?}\n", end.ended.how, end.ended.stopped_because));
            surroundings.write("ends.new", &lines);
            fs::rename(surroundings.path("ends.new"), surroundings.path("ends")).expect("renamed");
        }
        surroundings.write("done", "");
    });
    // The test looks at what is left of the children while the worker still lives.
    std::thread::park();
}

/// The worker as the test sees it.
struct Worker<'a> {
    world: World,
    surroundings: &'a Surroundings,
    before: Leaks,
    child: Child,
}

impl Worker<'_> {
    fn missing(&self, name: &str) -> Vec<String> {
        if self.surroundings.path(name).exists() { Vec::new() } else { vec![name.to_owned()] }
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn launcher(&self) -> u32 {
        let children = children_of(self.pid());
        assert_eq!(children.len(), 1, "the worker has one child: {children:?} of {:?}", processes());
        children[0]
    }

    /// The process numbers of the roots of the trees, by number.
    fn roots(&self) -> BTreeMap<usize, u32> {
        let lines = fs::read_to_string(self.surroundings.path("roots")).expect("written");
        let pair = |line: &str| {
            let (number, pid) = line.split_once(' ')?;
            Some((number.parse().ok()?, pid.parse().ok()?))
        };
        lines.lines().filter_map(pair).collect()
    }

    /// The guard of one of the children.
    fn guard_of(&self, number: usize) -> u32 {
        let root = self.roots()[&number];
        let guards = children_of(self.launcher());
        let found = guards.into_iter().find(|guard| children_of(*guard).contains(&root));
        found.unwrap_or_else(|| panic!("no guard has {root}: {:?}", processes()))
    }

    /// How each child ended, as far as the worker knows.
    fn ends(&self) -> BTreeMap<usize, String> {
        let lines = fs::read_to_string(self.surroundings.path("ends")).unwrap_or_default();
        let pair =
            |line: &str| line.split_once(' ').map(|(number, end)| (number.parse().expect("a number"), end.into()));
        lines.lines().filter_map(pair).collect()
    }

    /// Waits until the worker knows all ends; returns them.
    fn all_ends(&self) -> BTreeMap<usize, String> {
        wait_until_none("the worker knows all ends", || {
            let (missing, ends) = (self.missing("done"), self.ends());
            if missing.is_empty() {
                Vec::new()
            } else {
                ends.into_iter().map(|end| format!("{end:?}")).chain(missing).collect()
            }
        });
        self.ends()
    }

    /// Processes that are neither the test, nor the worker, its launcher or a guard.
    fn trees(&self) -> Vec<String> {
        let mut known = vec![1, std::process::id(), self.pid()];
        for launcher in children_of(self.pid()) {
            known.push(launcher);
            known.extend(children_of(launcher));
        }
        processes()
            .into_iter()
            .filter(|(pid, _)| !known.contains(pid))
            .map(|(pid, what)| format!("{pid} {what}"))
            .collect()
    }

    /// Waits until no child of any depth is left and says how long that took.
    fn wait_until_trees_are_dead(&self, since: &str) {
        let begun = clock::boot();
        wait_until_none("trees", || self.trees());
        eprintln!("figure: {:?}: trees dead {:?} after {since}", self.world, clock::boot() - begun);
    }

    /// Puts a process into a control group that has no memory to spare, where that can be done.
    fn starve(&self, pids: &[u32], limit: &str) -> Option<Tight> {
        // Without a control group of version 1 that may be written, nobody can be made to run out of memory here.
        let tight = Tight(self.surroundings.memory_group()?.join("tight"));
        fs::create_dir(&tight.0).expect("a group");
        fs::write(tight.0.join("memory.limit_in_bytes"), limit).expect("a limit");
        for pid in pids {
            fs::write(tight.0.join("cgroup.procs"), pid.to_string()).expect("it enters");
        }
        Some(tight)
    }

    fn open_gate(&self) {
        self.surroundings.write("gate", "");
    }
}

fn signal(pid: u32, signal: i32) {
    let pid = libc::pid_t::try_from(pid).expect("a process number");
    // SAFETY: kill has no memory effects; the enclosure holds nobody but this test's processes.
    let answer = unsafe { libc::kill(pid, signal) };
    assert_eq!(answer, 0, "{pid}: {}", std::io::Error::last_os_error());
}

#[test]
fn when_the_worker_is_killed_everything_dies() {
    let body = |worker: &mut Worker| {
        signal(worker.pid(), libc::SIGKILL);
        worker.child.wait().expect("it is reaped");
        let begun = clock::boot();
        worker.before.assert_no_process();
        eprintln!("figure: {:?}: all dead {:?} after the worker was killed", worker.world, clock::boot() - begun);
    };
    everywhere(&test_of(&body), Cast::default(), body);
}

#[test]
fn when_the_launcher_is_killed_every_tree_dies_and_every_end_says_so() {
    let body = |worker: &mut Worker| {
        signal(worker.launcher(), libc::SIGKILL);
        worker.wait_until_trees_are_dead("the launcher was killed");
        let ends = worker.all_ends();
        assert_eq!(ends.len(), TWENTY);
        assert!(ends.values().all(|end| end == "GuardLost(LauncherGone) None"), "{ends:?}");
    };
    everywhere(&test_of(&body), Cast::default(), body);
}

#[test]
fn when_a_guard_is_killed_its_tree_dies_and_the_others_go_on() {
    let body = |worker: &mut Worker| {
        // The fork bomb, a daemoniser, one that has a session beside its own, and a plain one.
        let victims = [0, 1, 7, 13];
        let guards = victims.map(|number| worker.guard_of(number));
        let launcher = worker.launcher();
        guards.iter().for_each(|guard| signal(*guard, libc::SIGKILL));
        let begun = clock::boot();
        wait_until_none("the ends of those without a guard", || {
            let ends = worker.ends();
            victims.iter().filter(|number| !ends.contains_key(number)).map(|number| number.to_string()).collect()
        });
        eprintln!("figure: {:?}: four guards' ends known after {:?}", worker.world, clock::boot() - begun);
        let ends = worker.ends();
        for victim in victims {
            assert_eq!(ends[&victim], "GuardLost(Killed(9)) None", "{victim}: {ends:?}");
        }
        assert_eq!(worker.launcher(), launcher, "the launcher is the same");
        let roots = worker.roots();
        let alive = processes();
        for (number, root) in &roots {
            assert_eq!(alive.contains_key(root), !victims.contains(number), "{number} {root}: {alive:?}");
        }
        worker.open_gate();
        let ends = worker.all_ends();
        for number in (0..TWENTY).filter(|number| !victims.contains(number)) {
            assert_eq!(ends[&number], format!("Exited({number}) None"), "{ends:?}");
        }
        worker.wait_until_trees_are_dead("the last end");
    };
    everywhere(&test_of(&body), Cast::default(), body);
}

#[test]
fn when_the_worker_is_stopped_trees_die_at_the_fence() {
    let body = |worker: &mut Worker| {
        signal(worker.pid(), libc::SIGSTOP);
        worker.wait_until_trees_are_dead("the worker was stopped, whose lease ran out at 2 s");
        signal(worker.pid(), libc::SIGCONT);
        let ends = worker.all_ends();
        assert!(ends.values().all(|end| end.contains("Fenced")), "{ends:?}");
        assert_eq!(ends.len(), TWENTY);
    };
    everywhere(&test_of(&body), Cast { has_fence: true, timeout: None }, body);
}

#[test]
fn when_the_worker_is_stopped_trees_die_at_their_deadline() {
    let body = |worker: &mut Worker| {
        signal(worker.pid(), libc::SIGSTOP);
        worker.wait_until_trees_are_dead("the worker was stopped, with deadlines at 3 s");
        signal(worker.pid(), libc::SIGCONT);
        let ends = worker.all_ends();
        assert!(ends.values().all(|end| end.ends_with("Some(TimedOut)")), "{ends:?}");
        assert_eq!(ends.len(), TWENTY);
    };
    everywhere(&test_of(&body), Cast { timeout: Some(Duration::from_secs(3)), has_fence: false }, body);
}

#[test]
fn when_the_launcher_is_stopped_what_runs_goes_on_and_ends() {
    let body = |worker: &mut Worker| {
        let launcher = worker.launcher();
        signal(launcher, libc::SIGSTOP);
        worker.open_gate();
        let ends = worker.all_ends();
        for number in 1..TWENTY {
            assert_eq!(ends[&number], format!("Exited({number}) None"), "{ends:?}");
        }
        worker.wait_until_trees_are_dead("the gate was opened");
        signal(launcher, libc::SIGCONT);
    };
    everywhere(&test_of(&body), Cast::default(), body);
}

#[test]
fn when_the_launcher_is_stopped_and_the_worker_killed_every_tree_dies() {
    let body = |worker: &mut Worker| {
        let launcher = worker.launcher();
        signal(launcher, libc::SIGSTOP);
        signal(worker.pid(), libc::SIGKILL);
        worker.child.wait().expect("it is reaped");
        // The stopped launcher stays, and so do the guards as zombies, whom nobody reaps.
        wait_until_none("trees", || {
            let alive = processes().into_iter().filter(|(pid, what)| {
                ![1, std::process::id(), launcher].contains(pid) && !what.contains(&format!(" Z of {launcher}"))
            });
            alive.map(|(pid, what)| format!("{pid} {what}")).collect()
        });
        signal(launcher, libc::SIGCONT);
        worker.before.assert_no_process();
    };
    everywhere(&test_of(&body), Cast::default(), body);
}

#[test]
fn when_a_guard_is_stopped_its_tree_dies_at_its_deadline_and_the_others_are_timed_as_ever() {
    let body = |worker: &mut Worker| {
        for victim in [0, 1, 7, 13] {
            signal(worker.guard_of(victim), libc::SIGSTOP);
        }
        let ends = worker.all_ends();
        assert_eq!(ends.len(), TWENTY);
        for (number, end) in ends {
            let is_known = end.ends_with("Some(TimedOut)") || end.starts_with("GuardLost(Unresponsive)");
            assert!(is_known, "{number}: {end}");
        }
        worker.wait_until_trees_are_dead("the last end");
    };
    everywhere(&test_of(&body), Cast { timeout: Some(Duration::from_secs(3)), has_fence: false }, body);
}

#[test]
fn when_the_worker_is_killed_for_memory_everything_dies() {
    let body = |worker: &mut Worker| {
        let pid = worker.pid();
        let Some(tight) = worker.starve(&[pid], "16M") else { return };
        worker.surroundings.write("be greedy", "");
        let status = worker.child.wait().expect("it is reaped");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGKILL), "{status}");
        worker.before.assert_no_process();
        tight.remove();
    };
    everywhere(&test_of(&body), Cast::default(), body);
}

#[test]
fn when_the_launcher_runs_out_of_memory_nothing_is_left_without_an_end() {
    let body = |worker: &mut Worker| {
        let launcher = worker.launcher();
        let Some(tight) = worker.starve(&[launcher], "64K") else { return };
        // A new guard is a copy of the launcher, for which there is no room.
        worker.surroundings.write("one more", "");
        wait_until_none("an answer", || worker.missing("more"));
        let more = fs::read_to_string(worker.surroundings.path("more")).expect("written");
        // Another launcher did it, or it can be tried again.
        assert!(["Exited(3)", "later"].contains(&more.as_str()), "{more}");
        let was_killed = !processes().contains_key(&launcher);
        eprintln!("figure: {:?}: the launcher was killed: {was_killed}; one more came to: {more}", worker.world);
        worker.open_gate();
        let ends = worker.all_ends();
        for (number, end) in &ends {
            let by_itself =
                *end == if *number == 0 { "Exited(9) None".into() } else { format!("Exited({number}) None") };
            assert!(by_itself || was_killed && end == "GuardLost(LauncherGone) None", "{number}: {end}");
        }
        assert_eq!(ends.len(), TWENTY);
        worker.wait_until_trees_are_dead("the last end");
        signal(worker.pid(), libc::SIGKILL);
        worker.child.wait().expect("it is reaped");
        worker.before.assert_no_process();
        tight.remove();
    };
    everywhere(&test_of(&body), Cast::default(), body);
}

#[test]
fn when_guards_run_out_of_memory_their_trees_die_and_each_end_is_known() {
    let body = |worker: &mut Worker| {
        let guards = children_of(worker.launcher());
        let Some(tight) = worker.starve(&guards, "64K") else { return };
        worker.open_gate();
        let ends = worker.all_ends();
        for (number, end) in &ends {
            let by_itself =
                *end == if *number == 0 { "Exited(9) None".into() } else { format!("Exited({number}) None") };
            assert!(by_itself || end == "GuardLost(Killed(9)) None", "{number}: {end}");
        }
        let lost = ends.values().filter(|end| end.starts_with("GuardLost")).count();
        eprintln!("figure: {:?}: {lost} guards of {} were killed for memory", worker.world, ends.len());
        assert_eq!(ends.len(), TWENTY);
        worker.wait_until_trees_are_dead("the last end");
        signal(worker.pid(), libc::SIGKILL);
        worker.child.wait().expect("it is reaped");
        worker.before.assert_no_process();
        tight.remove();
    };
    everywhere(&test_of(&body), Cast::default(), body);
}

/// A control group with too little memory.
struct Tight(std::path::PathBuf);

impl Tight {
    /// Removes it, which the kernel refuses while a process is in it.
    fn remove(self) {
        wait_until_none("the group is empty", || {
            fs::remove_dir(&self.0).err().map(|error| error.to_string()).into_iter().collect()
        });
    }
}
