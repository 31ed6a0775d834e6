//! What a child is given, and why one could not be started.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use attune_process::{Command, How, SpawnError, StopReason, clock};

use crate::fixture::{Fixture, TAG};

fn error_of(fixture: &Fixture, command: Command) -> SpawnError {
    fixture.run(fixture.launcher().run_to_end(command)).expect_err("cannot be started")
}

#[test]
fn a_child_has_exactly_the_environment_it_was_given() {
    let fixture = Fixture::new();
    let command = Command::new("/usr/bin/env").variable(TAG, &fixture.tag).variable("GREETING", "two words");
    let printed = String::from_utf8(fixture.end_of(command).stdout).expect("text");
    assert_eq!(printed, format!("{TAG}={}\nGREETING=two words\n", fixture.tag));
}

#[test]
fn a_child_starts_in_its_directory_with_its_arguments_and_three_descriptors() {
    let fixture = Fixture::new();
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = fixture.shell("pwd; echo \"$1|$2\"; ls -x /proc/$$/fd");
    command.arguments.extend(["sh".into(), "a b".into(), "".into()]);
    command.directory = directory.path().to_owned();
    let printed = String::from_utf8(fixture.end_of(command).stdout).expect("text");
    assert_eq!(printed, format!("{}\na b|\n0  1  2\n", directory.path().display()));
}

#[test]
fn a_child_leads_its_own_session_and_blocks_and_ignores_no_signal() {
    let fixture = Fixture::new();
    let collected = fixture.end_of(fixture.shell("cat /proc/self/status; cut -d' ' -f5,6 /proc/$$/stat; echo $$"));
    let printed = String::from_utf8(collected.stdout).expect("text");
    let mask = |name: &str| {
        let line = printed.lines().find_map(|line| line.strip_prefix(name)).expect("the line");
        u64::from_str_radix(line.trim(), 16).expect("a number")
    };
    assert_eq!(mask("SigBlk:"), 0);
    // Signals 32 and 33 are glibc's own; it leaves them ignored in every process it spawns.
    assert_eq!(mask("SigIgn:") & !(0b11 << 31), 0);
    let mut last = printed.lines().rev();
    let pid = last.next().expect("the number");
    assert_eq!(last.next(), Some(format!("{pid} {pid}").as_str()));
}

#[test]
fn a_child_can_be_told_from_every_other() {
    let fixture = Fixture::new();
    fixture.run(async {
        let (sender, _receiver) = tokio::sync::mpsc::channel(1);
        let child = fixture.spawn(fixture.shell("exec sleep 1000"), sender).await;
        let identity = child.id();
        assert!(identity.pid == child.pid() && identity.pid > 1 && identity.start_time > 0);
        child.stopper().kill();
        let ended = child.wait().await;
        assert_eq!((ended.how, ended.stopped_because), (How::Signaled(9), Some(StopReason::Requested("kill".into()))));
    });
}

#[test]
fn what_is_missing_is_named() {
    let fixture = Fixture::new();
    let missing = error_of(&fixture, Command::new("/nowhere/program"));
    assert!(matches!(missing, SpawnError::NotFound { .. }), "{missing:?}");
    assert_eq!(missing.to_string(), "/nowhere/program does not exist");

    let mut command = Command::new("/bin/true");
    command.directory = "/nowhere/at/all".into();
    let directory = error_of(&fixture, command);
    assert!(matches!(directory, SpawnError::Directory { .. }), "{directory:?}");
    assert_eq!(directory.to_string(), "working directory /nowhere/at/all cannot be used");
}

#[test]
fn what_cannot_be_executed_is_told_apart() {
    let fixture = Fixture::new();
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, content: &str, mode: u32| {
        let path = directory.path().join(name);
        fs::write(&path, content).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("changed");
        path
    };
    let plain = error_of(&fixture, Command::new(file("plain", "just text", 0o755)));
    assert!(matches!(plain, SpawnError::NotExecutable { .. }), "{plain:?}");
    let forbidden = error_of(&fixture, Command::new(file("forbidden", "#!/bin/sh\n", 0o644)));
    assert!(matches!(forbidden, SpawnError::PermissionDenied { .. }), "{forbidden:?}");
    let folder = error_of(&fixture, Command::new(directory.path()));
    assert!(matches!(folder, SpawnError::PermissionDenied { .. }), "{folder:?}");
    let orphan = error_of(&fixture, Command::new(file("orphan", "#!/nowhere/ruby -w\n", 0o755)));
    assert!(
        matches!(&orphan, SpawnError::InterpreterNotFound { interpreter, .. } if interpreter == "/nowhere/ruby"),
        "{orphan:?}"
    );
    assert!([plain, forbidden, folder, orphan].iter().all(|error| !error.is_transient()));
}

#[test]
fn texts_that_no_process_can_be_given_are_refused_without_showing_values() {
    let fixture = Fixture::new();
    let zero = error_of(&fixture, Command::new("/bin/true").arguments(["a\0b"]));
    assert_eq!(zero.to_string(), "argument 1 holds a character that no process can be given");
    let secret = error_of(&fixture, Command::new("/bin/true").variable("TOKEN", "hunter2\0"));
    assert!(!format!("{secret} {secret:?}").contains("hunter2"));
    let name = error_of(&fixture, Command::new("/bin/true").variable("A=B", ""));
    assert!(matches!(name, SpawnError::InvalidText { .. }), "{name:?}");
    let long = error_of(&fixture, Command::new("/bin/true").arguments(["x".repeat(8 << 20)]));
    assert!(matches!(long, SpawnError::TooLong { bytes, .. } if bytes > 8 << 20), "{long:?}");
}

#[test]
fn what_comes_too_late_is_not_started() {
    let fixture = Fixture::new();
    let folder = tempfile::tempdir().expect("a folder");
    let mark = folder.path().join("it-ran");
    let mut command = fixture.shell(&format!("touch {}", mark.display()));
    command.start_before = Some(clock::boot());
    let late = error_of(&fixture, command.clone());
    assert!(matches!(late, SpawnError::TooLate { .. }), "{late:?}");
    assert!(!mark.exists(), "nothing of it ran");
    // The same guard starts what is in time.
    command.start_before = Some(clock::boot() + Duration::from_secs(600));
    assert_eq!(fixture.end_of(command).ended.how, How::Exited(0));
    assert!(mark.exists());
}
