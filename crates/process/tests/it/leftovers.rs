//! What children leave behind.

use attune_process::{How, Remnants, run_to_end, spawn, sweep};

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
fn a_job_in_a_process_group_of_its_own_is_found_by_its_session() {
    let fixture = Fixture::new();
    let mut command = fixture.shell("set -m; sleep 1000 & exit 0");
    command.marker = None;
    let ended = fixture.end_of(command).ended;
    assert_eq!((ended.how, ended.output_closed_early), (How::Exited(0), true));
    assert_eq!(names(&ended.survivors), ["sleep"]);
}

#[test]
fn a_daemon_that_holds_the_output_is_found_by_its_environment() {
    let fixture = Fixture::new();
    let ended = fixture.end_of(fixture.shell("(setsid sh -c 'sleep 1000 & exit' &) ; exit 0")).ended;
    assert_eq!((ended.how, ended.output_closed_early), (How::Exited(0), true));
    assert_eq!(names(&ended.survivors), ["sleep"]);
}

#[test]
fn a_daemon_without_a_marker_does_not_hold_the_end_either() {
    let fixture = Fixture::new();
    let mut command = fixture.shell("(setsid sh -c 'sleep 1000 & exit' &) ; exit 0").variable("LIFE", "1");
    command.marker = None;
    let ended = fixture.end_of(command).ended;
    assert_eq!((ended.how, ended.output_closed_early), (How::Exited(0), true));
    assert!(ended.survivors.is_empty() && fixture.tagged() == 1);
    let remnants = Remnants { owner: (TAG.into(), fixture.tag.clone()), life: ("LIFE".into(), "2".into()) };
    assert_eq!(names(&sweep(&remnants)), ["sleep"]);
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
        let life = |number: &str| fixture.shell("exec sleep 1000").variable("LIFE", number);
        let (sender, _receiver) = tokio::sync::mpsc::channel(1);
        let mine = spawn(life("2"), sender.clone()).expect("spawns");
        let other = spawn(fixture.shell("exec sleep 1000"), sender.clone()).expect("spawns");
        let earlier = tokio::spawn(run_to_end(life("1")));
        until("three are there", &mut || fixture.tagged() == 3).await;
        let remnants = Remnants { owner: (TAG.into(), fixture.tag.clone()), life: ("LIFE".into(), "2".into()) };
        let died = tokio::task::spawn_blocking(move || sweep(&remnants)).await.expect("no panic");
        assert_eq!(names(&died), ["sleep"]);
        assert_eq!(earlier.await.expect("no panic").expect("spawned").ended.how, How::Signaled(9));
        assert_eq!(fixture.tagged(), 2);
        drop((mine, other));
    });
}
