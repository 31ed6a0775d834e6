//! Children that become many.

use attune_process::{How, clock};

use crate::stage::{TWENTY, everywhere, requested};

const BOMB: &str = include_str!("programs/bomb.pl");

/// Twenty bombs of so many processes each.
const EACH: &str = "40";
/// A single one.
const MANY: &str = "400";

#[test]
fn a_fork_bomb_dies_at_once_and_its_neighbours_finish() {
    everywhere(|stage| {
        let (bomb, neighbours, took) = stage.run(async {
            let gate = stage.surroundings.path("gate");
            let script = "echo up; until [ -e \"$DIRECTORY/gate\" ]; do sleep 0.02; done; exit 5";
            let mut neighbours = Vec::new();
            for _ in 1..TWENTY {
                neighbours.push(stage.started(stage.shell(script)).await);
            }
            let bomb = stage.started(stage.perl(BOMB, &[MANY])).await;
            let begun = clock::boot();
            bomb.stopper.kill();
            let bomb = bomb.end().await;
            let took = clock::boot() - begun;
            std::fs::write(&gate, "").expect("the gate opens");
            let mut ends = Vec::new();
            for one in neighbours {
                ends.push(one.end().await);
            }
            std::fs::remove_file(gate).expect("the gate closes");
            (bomb, ends, took)
        });
        eprintln!("figure: {:?}: a fork bomb was dead {took:?} after the kill", stage.world);
        assert_eq!(bomb.ended.how, How::Signaled(libc::SIGKILL), "{bomb:?}");
        assert!(neighbours.iter().all(|end| end.ended.how == How::Exited(5)), "{neighbours:?}");
    });
}

#[test]
fn twenty_fork_bombs_that_ignore_being_asked_are_killed() {
    everywhere(|stage| {
        let ends = stage.twenty_stopped(
            |_| {
                let mut command = stage.perl(BOMB, &[EACH]);
                command.grace = std::time::Duration::from_millis(300);
                command
            },
            |stopper| stopper.stop(requested("ada")),
        );
        for end in ends {
            let (how, why) = (end.ended.how, end.ended.stopped_because);
            assert_eq!((how, why), (How::Signaled(libc::SIGKILL), Some(requested("ada"))));
        }
    });
}

#[test]
fn a_fork_bomb_that_is_left_behind_is_killed() {
    everywhere(|stage| {
        // The gate is open from the start: the root ends as soon as it has lit all of it.
        let gate = stage.surroundings.path("gate");
        std::fs::write(&gate, "").expect("the gate opens");
        let ends = stage.twenty(|_| stage.perl(BOMB, &[EACH, gate.to_str().expect("text")]));
        std::fs::remove_file(gate).expect("the gate closes");
        assert!(ends.iter().all(|end| end.ended.how == How::Exited(9)), "{ends:?}");
    });
}
