//! Guards: used again, replaced, and a child's way to call.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use attune_process::{Command, How, Launcher, LauncherProgram, SpawnError};

use crate::fixture::Fixture;

#[test]
fn a_guard_serves_one_run_after_the_other() {
    let fixture = Fixture::new();
    fixture.run(async {
        let mut guards = Vec::new();
        for _ in 0..5 {
            let (sender, _receiver) = tokio::sync::mpsc::channel(1);
            let child = fixture.spawn(fixture.shell("setsid sleep 1000 >/dev/null 2>&1 & exit 0"), sender).await;
            guards.push(child.guard_pid());
            assert_eq!(child.wait().await.survivors.len(), 1);
        }
        guards.dedup();
        assert_eq!(guards.len(), 1);
    });
}

#[test]
fn a_launcher_serves_several_runtimes() {
    let fixture = Fixture::new();
    for code in 1..4 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let collected = runtime.block_on(fixture.launcher().run_to_end(fixture.shell(&format!("exit {code}"))));
        assert_eq!(collected.expect("spawns").ended.how, How::Exited(code));
    }
}

#[test]
fn a_child_calls_over_descriptor_3_and_is_answered() {
    let fixture = Fixture::new();
    fixture.run(async {
        let mut command = fixture.shell("ls -x /proc/$$/fd; echo question >&3; head -c 6 <&3");
        command.has_helper_socket = true;
        let (sender, mut chunks) = tokio::sync::mpsc::channel(4);
        let mut child = fixture.spawn(command, sender).await;
        let calls = child.calls().expect("it has the socket");
        assert!(child.calls().is_none(), "there is one");
        let answering = async {
            let mut socket = File::from(calls.await.expect("it calls"));
            let mut question = [0; 64];
            let length = socket.read(&mut question).expect("a message");
            assert_eq!(&question[..length], b"question\n");
            socket.write_all(b"answer").expect("sent");
        };
        let listening = async {
            let mut printed = Vec::new();
            while let Some(chunk) = chunks.recv().await {
                printed.extend(chunk.bytes);
            }
            printed
        };
        let (ended, (), printed) = tokio::join!(child.wait(), answering, listening);
        assert_eq!(ended.how, How::Exited(0));
        assert_eq!(String::from_utf8_lossy(&printed), "0  1  2  3\nanswer");
    });
}

#[test]
fn who_waits_for_calls_of_a_child_that_makes_none_hears_of_its_end() {
    let fixture = Fixture::new();
    fixture.run(async {
        let mut command = fixture.shell("exit 7");
        command.has_helper_socket = true;
        let (sender, _chunks) = tokio::sync::mpsc::channel(4);
        let mut child = fixture.spawn(command, sender).await;
        let calls = child.calls().expect("it has the socket");
        let (ended, called) = tokio::join!(child.wait(), calls);
        assert_eq!((ended.how, called.is_none()), (How::Exited(7), true));
    });
}

#[test]
fn three_hundred_at_once_get_a_guard_each() {
    let fixture = Fixture::new();
    fixture.run(async {
        let running: Vec<_> = (0..300)
            .map(|_| {
                let (launcher, command) = (fixture.launcher().clone(), fixture.shell("read line; exit 5"));
                tokio::spawn(async move { launcher.run_to_end(command).await })
            })
            .collect();
        for one in running {
            assert_eq!(one.await.expect("no panic").expect("spawns").ended.how, How::Exited(5));
        }
    });
}

#[test]
fn a_program_that_is_no_launcher_is_an_error_and_not_a_hang() {
    let fixture = Fixture::new();
    fixture.run(async {
        let launcher = Launcher::start(LauncherProgram::At("/bin/true".into())).expect("it starts");
        let error = launcher.run_to_end(Command::new("/bin/true")).await.expect_err("nothing there makes guards");
        assert!(matches!(error, SpawnError::NoLauncher { .. }), "{error:?}");
        drop(launcher);
        assert!(Launcher::start(LauncherProgram::At(Path::new("/nowhere").into())).is_err());
    });
}

#[test]
fn the_fence_ends_what_is_not_put_off() {
    let fixture = Fixture::new();
    let ended = fixture.run(async {
        let now = attune_process::clock::boot();
        let after = std::time::Duration::from_millis;
        fixture.launcher().fence().extend(now + after(300), now + after(500));
        let command = fixture.shell("trap '' TERM; while :; do sleep 1000; done");
        fixture.launcher().run_to_end(command).await.expect("spawns").ended
    });
    assert_eq!((ended.how, ended.stopped_because), (How::Signaled(9), Some(attune_process::StopReason::Fenced)));
}
