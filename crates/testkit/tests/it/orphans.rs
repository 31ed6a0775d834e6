//! Servers of a process that was killed without warning.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use attune_testkit::eventually;
use attune_testkit::processes::Tag;

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the process under test is ours")]
async fn servers_die_with_a_process_that_is_killed() {
    let tag = Tag::new();
    let (name, value) = tag.variable();
    let mut runner = Command::new(env!("CARGO_BIN_EXE_with-services"))
        .args(["sh", "-c", "echo $ATTUNE_TEST_AMQP_CONTROL; exec cat"])
        .env(name, value)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("with-services starts");
    let mut directory = String::new();
    BufReader::new(runner.stdout.take().expect("is piped")).read_line(&mut directory).expect("says where RabbitMQ is");
    let directory = std::path::PathBuf::from(directory.trim());
    assert!(directory.exists());
    let running = tag.living();
    for server in ["beam", "epmd", "postgres"] {
        assert!(running.iter().any(|process| process.command.contains(server)), "{server} is not among {running:?}");
    }
    runner.kill().and_then(|()| runner.wait()).expect("with-services is killed");
    drop(runner);
    eventually("the servers' processes and directories to be gone", Duration::from_secs(30), || async {
        (tag.living().is_empty() && !directory.exists()).then_some(())
    })
    .await;
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the process under test is ours")]
fn the_exit_code_of_the_command_is_passed_on() {
    let tag = Tag::new();
    let (name, value) = tag.variable();
    let status = Command::new(env!("CARGO_BIN_EXE_with-services"))
        .args(["sh", "-c", "test -n \"$ATTUNE_TEST_DATABASE_URL$ATTUNE_TEST_AMQP_URL\" && exit 7"])
        .env(name, value)
        .status()
        .expect("with-services runs");
    assert_eq!(status.code(), Some(7));
    assert_eq!(tag.living(), []);
}
