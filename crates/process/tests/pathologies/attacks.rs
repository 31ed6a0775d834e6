//! Children that attack who runs them.

use attune_process::{Collected, How, SpawnError};
use attune_testkit::enclosure::test_of;
use attune_testkit::{Surroundings, User};

use crate::stage::{Stage, TWENTY, assert_exited, everywhere, text};
use crate::world::World;

const ATTACK: &str = include_str!("programs/attack.pl");

/// What a child says that attacks `victim`: a shell word, evaluated by the child.
fn attack(stage: &Stage, victim: &str) -> Vec<String> {
    let script = format!("perl -e \"$ATTACK\" -- {victim} {} {}", libc::SYS_ptrace, libc::SYS_process_vm_readv);
    let ends = stage.twenty(|_| stage.shell(&script).variable("ATTACK", ATTACK));
    assert_exited(&ends, |_| 0);
    for end in &ends {
        assert_eq!(end.ended.sandbox.level, stage.world.level, "the level that was reached is told: {end:?}");
        assert_eq!(end.ended.sandbox.missing, [""; 0], "nothing that was asked for is missing");
    }
    ends.iter().map(text).collect()
}

#[test]
fn nobody_shut_in_can_touch_the_guard_the_launcher_or_the_worker() {
    everywhere(|stage| {
        let own = std::process::id().to_string();
        let launcher = "$(cut -d' ' -f4 /proc/$PPID/stat)";
        for (who, victim) in [("guard", "$PPID"), ("launcher", launcher), ("worker", own.as_str())] {
            for said in attack(stage, victim) {
                let about = format!("{:?}: {who}: {said}", stage.world);
                assert!(!said.contains("canary") || who == "worker", "what the worker knows is nowhere else: {about}");
                let count = |what: &str| said.lines().filter(|line| line.ends_with(what)).count();
                if stage.world.is_shut_in() {
                    assert_eq!((count("refused"), count("allowed")), (5, 0), "{about}");
                } else if who != "worker" && stage.world.user == User::Ordinary {
                    // Not dumpable: another process of the same user cannot look into it. It can signal it, and no kernel
                    // refuses that without a domain.
                    assert_eq!((count("refused"), count("allowed")), (4, 1), "{about}");
                    assert!(said.contains("signal allowed"), "{about}");
                } else {
                    // Root may do anything to anybody, and this test's own program does not defend itself.
                    assert_eq!(count("refused") + count("allowed"), 5, "{about}");
                }
            }
        }
    });
}

#[test]
fn siblings_cannot_touch_each_other_when_shut_in() {
    everywhere(|stage| {
        let collected = stage.run(async {
            let victim = stage.started(stage.shell("echo up; exec sleep 1000")).await;
            let script = format!("kill -9 {} 2>/dev/null && echo killed || echo refused", victim.pid);
            let said = stage.launcher.run_to_end(stage.shell(&script)).await.expect("it starts");
            victim.stopper.kill();
            victim.end().await;
            said
        });
        let expected: &[u8] = if stage.world.is_shut_in() { b"refused\n" } else { b"killed\n" };
        assert_eq!(collected.stdout, expected, "{:?}", stage.world);
    });
}

/// The guard may be lost so early that it could not even say that the child had started.
fn assert_guard_lost(end: &Result<Collected, SpawnError>, number: usize) {
    let is_known = match end {
        Ok(end) => matches!(end.ended.how, How::GuardLost(_)),
        Err(error) => matches!(error, SpawnError::Unconfirmed { .. }),
    };
    assert!(is_known, "{number}: {end:?}");
}

#[test]
fn a_child_that_kills_its_guard_is_refused_or_dies_with_it_alone() {
    everywhere(|stage| {
        let script = "setsid sleep 1000 & kill -9 $PPID 2>/dev/null && sleep 1000; kill $!; exit 6";
        let command = |number| stage.shell(if number % 2 == 0 { script } else { "sleep 0.2; exit 6" });
        for (number, end) in stage.twenty_tried(command).into_iter().enumerate() {
            if number % 2 == 1 || stage.world.is_shut_in() {
                assert_eq!(end.expect("it starts").ended.how, How::Exited(6), "{number}");
            } else {
                assert_guard_lost(&end, number);
            }
        }
        // There are guards for others afterwards.
        assert_exited(&stage.twenty(|_| stage.shell("exit 2")), |_| 2);
    });
}

#[test]
fn a_child_that_stops_its_guard_is_refused_or_ends_at_its_deadline() {
    everywhere(|stage| {
        let script = "trap '' TERM; kill -STOP $PPID 2>/dev/null || exit 6; setsid sleep 1000 & sleep 1000";
        let ends = stage.twenty_tried(|_| {
            let mut command = stage.shell(script);
            command.timeout = Some(std::time::Duration::from_millis(700));
            command.grace = std::time::Duration::from_millis(100);
            command
        });
        for (number, end) in ends.into_iter().enumerate() {
            if stage.world.is_shut_in() {
                assert_eq!(end.expect("it starts").ended.how, How::Exited(6), "{number}");
            } else {
                assert_guard_lost(&end, number);
            }
        }
    });
}

#[test]
fn a_signal_to_everybody_reaches_nobody_else_when_shut_in() {
    everywhere(|stage| {
        if !stage.world.is_shut_in() {
            // See the next test.
            return;
        }
        let script = "sleep 1000 & kill -9 -1; exit 7";
        let ends = stage.twenty(|number| stage.shell(if number % 2 == 0 { script } else { "sleep 0.3; exit 7" }));
        assert_exited(&ends, |_| 7);
    });
}

#[test]
fn a_signal_to_everybody_from_a_child_that_is_not_shut_in_takes_the_worker_and_leaves_nobody() {
    let body = |world: World, surroundings: &Surroundings| {
        let stage = Stage::set(world, surroundings.clone());
        for _ in 0..TWENTY {
            stage.end_of(stage.shell("setsid sleep 1000 & kill -9 -1"));
        }
        panic!("nobody was killed");
    };
    let test = test_of(&body);
    for world in World::ALL.into_iter().filter(|world| !world.is_shut_in()) {
        world.enclosure().run_until_killed(&test, libc::SIGKILL, |surroundings| body(world, surroundings));
    }
}
