//! A process that cannot end by itself.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use attune_supervise::leave_within;

const BLOCKED: &str = "ATTUNE_TEST_BLOCKED";

/// This program, once more, doing nothing but run one test.
#[expect(clippy::disallowed_methods, reason = "the program under test is no child of a worker")]
fn this_program(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command.args(["--exact", test, "--nocapture"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_process_whose_main_thread_is_blocked_ends_with_the_code_that_was_meant() {
    if std::env::var_os(BLOCKED).is_some() {
        leave_within(Duration::from_millis(50), 70).expect("a thread");
        let (_sender, never) = mpsc::channel::<()>();
        let _blocked_for_good = never.recv();
    }
    let test = "last_resort::a_process_whose_main_thread_is_blocked_ends_with_the_code_that_was_meant";
    let status = this_program(test).env(BLOCKED, "yes").status().expect("it runs");
    assert_eq!(status.code(), Some(70));
}

#[test]
fn a_process_that_ends_in_time_ends_as_it_likes() {
    leave_within(Duration::from_secs(3600), 70).expect("a thread");
}
