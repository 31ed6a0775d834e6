//! Short chaos runs, one on each back end, and the page that shows the matrix.

use std::process::{Command, Stdio};

/// Runs the program and insists that everything held. Void is not green: a run that reached nothing says nothing.
fn must_hold(arguments: &[&str]) {
    #[expect(clippy::disallowed_methods, reason = "the program under test is not a child of an Attune worker")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_attune-chaos"));
    let output = command.args(arguments).stdin(Stdio::null()).output().expect("the program can be started");
    let (said, summary) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{arguments:?} ended with {}:\n{said}\n{summary}", output.status);
}

#[test]
fn nothing_is_lost_and_nothing_runs_twice_on_postgresql_and_rabbitmq() {
    // Faults that are over within seconds; the long ones are in `make chaos-long`.
    let short = "worker-kill,worker-broker-cut,server-kill,broker-close-connections,broker-wipe,queue-delete,database-quit,\
                 garbage,duplicates,worker-term";
    must_hold(&["--seed", "11", "--executions", "300", "--faults", "10", "--rate", "12", "--only", short]);
}

#[test]
fn nothing_is_lost_and_nothing_runs_twice_when_everything_in_one_process_is_killed() {
    let size = ["--executions", "300", "--faults", "5", "--rate", "12"];
    must_hold(&[&["--seed", "12", "--backend", "sqlite"], size.as_slice()].concat());
}

#[test]
fn the_page_of_the_fault_matrix_is_what_the_results_make() {
    must_hold(&["matrix", "--check"]);
}
