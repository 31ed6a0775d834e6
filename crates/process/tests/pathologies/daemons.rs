//! Children that leave others behind.

use attune_process::How;

use crate::stage::{assert_exited, everywhere, names};

const DAEMON: &str = include_str!("programs/daemon.pl");

#[test]
fn a_daemon_that_holds_the_output_does_not_hold_the_end() {
    everywhere(|stage| {
        let ends = stage.twenty(|_| stage.perl(DAEMON, &["holds"]));
        assert_exited(&ends, |_| 3);
        for end in ends {
            assert_eq!(end.stdout, b"left\n");
            assert!(end.ended.output_closed_early, "{end:?}");
            assert_eq!(names(&end.ended.survivors), ["innocent"], "killed and named");
        }
    });
}

#[test]
fn a_daemon_that_holds_nothing_is_killed_and_named() {
    everywhere(|stage| {
        let ends = stage.twenty(|_| stage.perl(DAEMON, &["closes"]));
        assert_exited(&ends, |_| 3);
        for end in ends {
            assert!(!end.ended.output_closed_early, "{end:?}");
            assert_eq!(names(&end.ended.survivors), ["innocent"], "killed and named");
        }
    });
}

#[test]
fn a_background_job_is_killed_and_named_and_the_exit_code_stands() {
    everywhere(|stage| {
        let ends = stage.twenty(|number| stage.shell(&format!("sleep 1000 & echo out; exit {number}")));
        assert_exited(&ends, |number| number as i32);
        assert!(ends.iter().all(|end| names(&end.ended.survivors) == ["sleep"] && end.stdout == b"out\n"), "{ends:?}");
    });
}

#[test]
fn a_helper_that_finishes_the_output_is_given_the_time() {
    everywhere(|stage| {
        let ends = stage.twenty(|_| stage.shell("(sleep 0.1; echo late) & exit 0"));
        assert_exited(&ends, |_| 0);
        assert!(ends.iter().all(|end| end.stdout == b"late\n" && !end.ended.output_closed_early), "{ends:?}");
    });
}

#[test]
fn who_is_killed_by_a_signal_of_its_own_leaves_nobody_either() {
    everywhere(|stage| {
        let ends = stage.twenty(|_| stage.shell("setsid sleep 1000 & kill -SEGV $$"));
        assert!(ends.iter().all(|end| end.ended.how == How::Signaled(libc::SIGSEGV)), "{ends:?}");
    });
}
