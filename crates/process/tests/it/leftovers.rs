//! What children leave behind.

use attune_process::{Command, How, Remnants, sweep};

use crate::fixture::{Fixture, TAG, until};

fn names(survivors: &[attune_process::Survivor]) -> Vec<&str> {
    survivors.iter().map(|survivor| survivor.name.as_str()).collect()
}

#[test]
fn a_background_child_dies_with_the_attempt_and_is_named() {
    let fixture = Fixture::new();
    let ended = fixture.end_of(fixture.shell("sleep 1000 >/dev/null 2>&1 & exit 3")).ended;
    assert_eq!((ended.how, ended.output_closed_early), (How::Exited(3), false));
    assert_eq!(names(&ended.survivors), ["sleep"]);
    assert!(ended.survivors[0].to_string().starts_with("sleep("));
}

#[test]
fn a_grandchild_that_holds_the_output_does_not_hold_the_end() {
    let fixture = Fixture::new();
    let ended = fixture.end_of(fixture.shell("echo out; sleep 1000 & exit 3")).ended;
    assert_eq!((ended.how, ended.output_closed_early, ended.stdout_bytes), (How::Exited(3), true, 4));
    assert_eq!(names(&ended.survivors), ["sleep"]);
}

#[test]
fn a_job_in_a_process_group_of_its_own_is_killed_and_named() {
    let fixture = Fixture::new();
    let command = fixture.shell("set -m; sleep 1000 & exit 0");
    let ended = fixture.end_of(command).ended;
    assert_eq!((ended.how, ended.output_closed_early), (How::Exited(0), true));
    assert_eq!(names(&ended.survivors), ["sleep"]);
}

#[test]
fn a_daemon_that_holds_the_output_does_not_hold_the_end_either() {
    let fixture = Fixture::new();
    let ended = fixture.end_of(fixture.shell("(setsid sh -c 'sleep 1000 & exit' &) ; exit 0")).ended;
    assert_eq!((ended.how, ended.output_closed_early), (How::Exited(0), true));
    assert_eq!(names(&ended.survivors), ["sleep"]);
}

#[test]
fn a_daemon_that_cleaned_its_environment_and_closed_its_output_is_killed_too() {
    let fixture = Fixture::new();
    let pid_file = tempfile::NamedTempFile::new().expect("a file");
    let script = format!(
        "(env -i setsid sh -c 'echo $$ >{}; exec sleep 1000' >/dev/null 2>&1 </dev/null &); \
         while ! test -s {0}; do sleep 0.01; done",
        pid_file.path().display()
    );
    let ended = fixture.end_of(fixture.shell(&script)).ended;
    assert_eq!((ended.how, ended.output_closed_early), (How::Exited(0), false));
    assert_eq!(names(&ended.survivors), ["sleep"]);
    let pid = std::fs::read_to_string(pid_file.path()).expect("it was there");
    assert_eq!(ended.survivors[0].identity.pid.to_string(), pid.trim());
    assert!(!std::path::Path::new("/proc").join(pid.trim()).exists());
}

#[test]
fn a_helper_that_finishes_the_output_is_given_the_time() {
    let fixture = Fixture::new();
    let collected = fixture.end_of(fixture.shell("(sleep 0.1; echo late) & exit 0"));
    assert_eq!((collected.stdout.as_slice(), collected.ended.output_closed_early), (&b"late\n"[..], false));
}

#[test]
fn a_sweep_spares_this_life_and_strangers() {
    let fixture = Fixture::new();
    fixture.run(async {
        // Not through a shell, which carries the tag before it has become what is looked for.
        let sleep = || Command::new("/bin/sleep").arguments(["1000"]).variable(TAG, &fixture.tag);
        let life = |number: &str| sleep().variable("LIFE", number);
        let (sender, _receiver) = tokio::sync::mpsc::channel(1);
        let mine = fixture.spawn(life("2"), sender.clone()).await;
        let other = fixture.spawn(sleep(), sender.clone()).await;
        let earlier = {
            let (launcher, command) = (fixture.launcher().clone(), life("1"));
            tokio::spawn(async move { launcher.run_to_end(command).await })
        };
        until("three are there", &mut || fixture.tagged() == 3).await;
        let remnants = Remnants { owner: (TAG.into(), fixture.tag.clone()), life: ("LIFE".into(), "2".into()) };
        let died = tokio::task::spawn_blocking(move || sweep(&remnants)).await.expect("no panic");
        assert_eq!(names(&died), ["sleep"]);
        assert_eq!(earlier.await.expect("no panic").expect("spawned").ended.how, How::Signaled(9));
        assert_eq!(fixture.tagged(), 2);
        drop((mine, other));
    });
}
