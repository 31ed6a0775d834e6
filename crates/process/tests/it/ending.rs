//! How children end, by themselves and otherwise.

use std::time::Duration;

use attune_process::{Ended, How, StopReason, Stream};

use crate::fixture::{Fixture, receive_all};

fn requested(by: &str) -> StopReason {
    StopReason::Requested(by.to_owned())
}

#[test]
fn exit_codes_are_reported_as_they_are() {
    let fixture = Fixture::new();
    for code in [0, 1, 7, 126, 255] {
        let ended = fixture.end_of(fixture.shell(&format!("exit {code}"))).ended;
        assert_eq!((ended.how, ended.stopped_because.clone()), (How::Exited(code), None));
        assert_eq!(ended.is_success(), code == 0);
        assert!(ended.survivors.is_empty() && !ended.output_closed_early);
    }
}

#[test]
fn a_signal_from_elsewhere_is_no_stop_of_ours() {
    let fixture = Fixture::new();
    for (name, number) in [("KILL", 9), ("TERM", 15), ("SEGV", 11)] {
        let ended = fixture.end_of(fixture.shell(&format!("kill -{name} $$; sleep 1000"))).ended;
        assert_eq!((ended.how, ended.stopped_because), (How::Signaled(number), None), "{name}");
    }
}

/// Runs a script that says when it is ready, asks it to stop then, and returns its end and its standard output.
fn stopped_when_ready(fixture: &Fixture, script: &str, grace: Duration) -> (Ended, Vec<u8>) {
    fixture.run(async {
        let mut command = fixture.shell(script);
        command.grace = grace;
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let child = fixture.spawn(command, sender).await;
        let stopper = child.stopper();
        let listening = async {
            let mut printed = receiver.recv().await.expect("it is ready").bytes;
            stopper.stop(requested("ada"));
            let rest = receive_all(receiver).await;
            // The shell itself says on standard error whose end it saw.
            for chunk in rest.into_iter().filter(|chunk| chunk.stream == Stream::Stdout) {
                printed.extend(chunk.bytes);
            }
            printed
        };
        tokio::join!(child.wait(), listening)
    })
}

#[test]
fn out_of_time_a_child_is_asked_to_stop() {
    let fixture = Fixture::new();
    let mut command = fixture.shell("exec sleep 1000");
    command.timeout = Some(Duration::from_millis(100));
    let ended = fixture.end_of(command).ended;
    assert_eq!((ended.how, ended.stopped_because), (How::Signaled(15), Some(StopReason::TimedOut)));
    assert!(ended.usage.wall >= Duration::from_millis(100));
}

#[test]
fn who_is_asked_to_stop_may_clean_up() {
    let fixture = Fixture::new();
    let script = "trap 'echo bye; exit 4' TERM; echo ready; while :; do sleep 0.01; done";
    let (ended, printed) = stopped_when_ready(&fixture, script, Duration::from_secs(20));
    assert_eq!((ended.how, ended.stopped_because), (How::Exited(4), Some(requested("ada"))));
    assert_eq!(printed, b"ready\nbye\n");
}

#[test]
fn who_ignores_being_asked_is_killed_after_the_grace() {
    let fixture = Fixture::new();
    let script = "trap '' TERM; echo ready; while :; do sleep 1000; done";
    let (ended, _) = stopped_when_ready(&fixture, script, Duration::from_millis(200));
    assert_eq!((ended.how, ended.stopped_because), (How::Signaled(9), Some(requested("ada"))));
    assert!(ended.usage.wall >= Duration::from_millis(200));
}

#[test]
fn a_stopped_child_hears_that_it_shall_stop() {
    let fixture = Fixture::new();
    let (ended, _) = stopped_when_ready(&fixture, "echo ready; kill -STOP $$; sleep 1000", Duration::from_secs(20));
    assert_eq!((ended.how, ended.stopped_because), (How::Signaled(15), Some(requested("ada"))));
}

#[test]
fn a_child_that_closed_its_output_still_runs_and_is_still_timed() {
    let fixture = Fixture::new();
    let mut command = fixture.shell("exec >&- 2>&-; sleep 1000");
    command.timeout = Some(Duration::from_millis(200));
    let ended = fixture.end_of(command).ended;
    assert_eq!((ended.how, ended.stopped_because), (How::Signaled(15), Some(StopReason::TimedOut)));
    assert!(!ended.output_closed_early);
}

#[test]
fn the_first_reason_to_stop_stands() {
    let fixture = Fixture::new();
    fixture.run(async {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let child =
            fixture.spawn(fixture.shell("trap '' TERM; echo ready; while :; do sleep 1000; done"), sender).await;
        let stopper = child.stopper();
        let asking = async {
            receiver.recv().await.expect("it is ready");
            stopper.stop(requested("ada"));
            stopper.stop(requested("bob"));
            stopper.kill();
        };
        let (ended, ()) = tokio::join!(child.wait(), asking);
        assert_eq!((ended.how, ended.stopped_because), (How::Signaled(9), Some(requested("ada"))));
        // Whoever holds a stopper for too long does no harm with it.
        stopper.kill();
        stopper.stop(requested("late"));
    });
}

#[test]
fn a_stop_reaches_what_left_the_process_group() {
    let fixture = Fixture::new();
    let script = "set -m; sleep 1000 & setsid sleep 1000 & echo ready; wait";
    let (ended, _) = stopped_when_ready(&fixture, script, Duration::from_secs(1));
    assert_eq!(ended.stopped_because, Some(requested("ada")));
    assert!(!ended.output_closed_early, "{ended:?}");
}

#[test]
fn a_child_that_forks_all_the_time_is_brought_to_an_end() {
    let fixture = Fixture::new();
    let script = "trap '' TERM; echo ready; i=0; \
                  while [ $i -lt 300 ]; do (trap '' TERM; setsid sleep 1000) & i=$((i+1)); done; wait";
    let (ended, _) = stopped_when_ready(&fixture, script, Duration::from_millis(50));
    assert_eq!((ended.how, ended.stopped_because), (How::Signaled(9), Some(requested("ada"))));
}

#[test]
fn twenty_at_once_do_not_disturb_each_other() {
    let fixture = Fixture::new();
    fixture.run(async {
        let mut running = Vec::new();
        for number in 0..20 {
            let script = match number % 4 {
                0 => format!("head -c 300000 /dev/zero; exit {number}"),
                1 => "setsid sleep 1000 & exit 1".to_owned(),
                2 => "trap '' TERM; while :; do sleep 1000; done".to_owned(),
                _ => "cat >&2".to_owned(),
            };
            let mut command = fixture.shell(&script);
            command.input = vec![b'i'; 200_000];
            command.timeout = (number % 4 == 2).then(|| Duration::from_millis(200));
            command.grace = Duration::from_millis(100);
            // They share one environment variable, so the tag of one would take the daemons of all with it.
            let own = format!("{}", 1_000 + number);
            command = command.variable("ATTUNE_TEST_NUMBER", own);
            let (sender, receiver) = tokio::sync::mpsc::channel(2);
            let child = fixture.spawn(command, sender).await;
            running.push((number, tokio::spawn(async move { tokio::join!(child.wait(), receive_all(receiver)) })));
        }
        for (number, task) in running {
            let (ended, chunks) = task.await.expect("no panic");
            let bytes: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
            match number % 4 {
                0 => assert_eq!((ended.how, bytes), (How::Exited(number), 300_000)),
                1 => assert_eq!((ended.how, ended.output_closed_early), (How::Exited(1), true)),
                // Killed, or on a busy machine asked before it could say that it will not listen.
                2 => assert_eq!(ended.stopped_because, Some(StopReason::TimedOut)),
                _ => assert_eq!((ended.how, ended.stderr_bytes), (How::Exited(0), 200_000)),
            }
        }
    });
}

#[test]
fn what_was_used_is_told() {
    let fixture = Fixture::new();
    let ended = fixture.end_of(fixture.shell("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done")).ended;
    assert!(ended.usage.user + ended.usage.system > Duration::ZERO);
    assert!(ended.usage.wall >= ended.usage.user);
    let big = fixture.end_of(fixture.shell("head -c 200000000 /dev/zero | tail -c 200000000 | wc -c")).ended;
    assert!(big.usage.peak_rss_bytes.is_some_and(|peak| peak > 150_000_000), "{:?}", big.usage);
}
