//! Children that do not want to stop.

use std::time::Duration;

use attune_process::{How, StopReason};

use crate::stage::{everywhere, requested};

const GRACE: Duration = Duration::from_millis(300);

#[test]
fn who_ignores_being_asked_is_killed_after_the_grace() {
    everywhere(|stage| {
        let deaf = "trap '' TERM; echo up; while :; do sleep 1000; done";
        let ends = stage.twenty_stopped(
            |_| {
                let mut command = stage.shell(deaf);
                command.grace = GRACE;
                command
            },
            |stopper| stopper.stop(requested("ada")),
        );
        for end in ends {
            assert_eq!(end.ended.how, How::Signaled(libc::SIGKILL), "{end:?}");
            assert_eq!(end.ended.stopped_because, Some(requested("ada")));
            assert!(end.ended.usage.wall >= GRACE);
        }
    });
}

#[test]
fn who_stopped_itself_is_continued_to_hear_that_it_shall_stop() {
    everywhere(|stage| {
        // Twenty minutes of grace: only being heard ends it in time.
        let ends = stage.twenty_stopped(
            |_| {
                let mut command =
                    stage.shell("trap 'echo bye; exit 4' TERM; echo up; kill -STOP $$; sleep 1000 & wait");
                command.grace = Duration::from_secs(1200);
                command
            },
            |stopper| stopper.stop(requested("ada")),
        );
        for end in ends {
            assert_eq!((end.ended.how, end.stdout.as_slice()), (How::Exited(4), &b"up\nbye\n"[..]), "{end:?}");
        }
    });
}

#[test]
fn who_stopped_itself_and_ignores_being_asked_is_killed() {
    everywhere(|stage| {
        let ends = stage.twenty_stopped(
            |_| {
                let mut command = stage.shell("trap '' TERM; echo up; kill -STOP $$; while :; do kill -STOP $$; done");
                command.grace = GRACE;
                command
            },
            |stopper| stopper.stop(requested("ada")),
        );
        assert!(ends.iter().all(|end| end.ended.how == How::Signaled(libc::SIGKILL)), "{ends:?}");
    });
}

#[test]
fn out_of_time_is_out_of_time_for_all_of_a_tree() {
    everywhere(|stage| {
        let ends = stage.twenty(|_| {
            let mut command =
                stage.shell("trap '' TERM; sleep 1000 & setsid sleep 1000 & (trap '' TERM; sleep 1000); wait");
            command.timeout = Some(Duration::from_millis(500));
            command.grace = GRACE;
            command
        });
        for end in ends {
            assert_eq!(end.ended.stopped_because, Some(StopReason::TimedOut), "{end:?}");
        }
    });
}
