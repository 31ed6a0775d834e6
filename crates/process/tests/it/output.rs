//! What children write.

use std::fs;

use attune_process::{Gap, How, OutputLimits, StopReason, Stream, clock};

use crate::fixture::{Fixture, jumps, receive_all, until};

#[test]
fn bytes_are_kept_exactly_and_streams_apart() {
    let fixture = Fixture::new();
    let collected = fixture.end_of(fixture.shell(r"printf '\000\377\033[31m\200\n\n'; printf 'caf\303' >&2"));
    assert_eq!(collected.stdout, b"\0\xff\x1b[31m\x80\n\n");
    assert_eq!(collected.stderr, b"caf\xc3");
    assert_eq!((collected.ended.stdout_bytes, collected.ended.stderr_bytes), (10, 4));
}

#[test]
fn chunks_say_where_and_when() {
    let fixture = Fixture::new();
    fixture.run(async {
        let before = clock::wall();
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let child = fixture.spawn(fixture.shell("seq 1 100000; seq 1 1000 >&2"), sender).await;
        let (ended, chunks) = tokio::join!(child.wait(), receive_all(receiver));
        assert!(jumps(&chunks, Stream::Stdout).is_empty() && jumps(&chunks, Stream::Stderr).is_empty());
        assert!(chunks.iter().all(|chunk| (before..=clock::wall()).contains(&chunk.at_micros)));
        let total: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        assert_eq!(total as u64, ended.stdout_bytes + ended.stderr_bytes);
    });
}

#[test]
fn a_line_is_delivered_while_the_child_still_runs() {
    let fixture = Fixture::new();
    fixture.run(async {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let child = fixture.spawn(fixture.shell("echo early; exec sleep 1000"), sender).await;
        let stopper = child.stopper();
        let watching = async {
            assert_eq!(receiver.recv().await.expect("a chunk").bytes, b"early\n");
            stopper.kill();
        };
        let (ended, ()) = tokio::join!(child.wait(), watching);
        assert_eq!(ended.how, How::Signaled(9));
    });
}

/// The largest resident set of this process so far, in KiB.
fn peak_kibibytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc is there");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("the line");
    line.split_ascii_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number")
}

#[test]
fn sixty_mebibytes_without_a_newline_keep_head_and_tail_in_little_memory() {
    let fixture = Fixture::new();
    let mut command = fixture.shell("seq -s, 1 8000000 | tr -d '\\n'");
    command.stdout = OutputLimits::of(1 << 20);
    let before = peak_kibibytes();
    let collected = fixture.end_of(command);
    let grown = peak_kibibytes() - before;
    assert!(grown < 16 << 10, "{grown} KiB more than before");

    let mut written = String::with_capacity(64 << 20);
    for number in 1..=8_000_000 {
        if number > 1 {
            written.push(',');
        }
        written.push_str(&number.to_string());
    }
    let written = written.into_bytes();
    let limits = OutputLimits::of(1 << 20);
    let (head, tail) = (limits.head() as usize, limits.tail() as usize);
    assert_eq!(collected.ended.stdout_bytes, written.len() as u64);
    let gap = Gap { from: limits.head(), to: written.len() as u64 - limits.tail() };
    assert_eq!(collected.ended.stdout_dropped, Some(gap));
    assert_eq!(gap.bytes(), written.len() as u64 - (1 << 20));
    assert!(collected.stdout[..head] == written[..head], "the head differs");
    assert!(collected.stdout[head..] == written[written.len() - tail..], "the tail differs");
}

#[test]
fn nobody_listening_does_not_hold_the_child_up() {
    let fixture = Fixture::new();
    fixture.run(async {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        drop(receiver);
        let ended = fixture.spawn(fixture.shell("head -c 10000000 /dev/zero"), sender).await.wait().await;
        assert_eq!((ended.how, ended.stdout_bytes), (How::Exited(0), 10_000_000));
    });
}

#[test]
fn what_lay_in_the_pipe_at_the_end_is_not_lost_on_a_slow_listener() {
    let fixture = Fixture::new();
    fixture.run(async {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let script =
            "head -c 3000 /dev/zero; head -c 3000 /dev/zero; head -c 50000 /dev/zero; setsid sleep 1000 & exit 5";
        let waiting = tokio::spawn(fixture.spawn(fixture.shell(script), sender).await.wait());
        // Only when the tree is gone, two seconds after the end, does anybody take the first chunk.
        until("the daemon was there", &mut || fixture.tagged() > 0).await;
        until("the daemon is gone", &mut || fixture.tagged() == 0).await;
        let chunks = receive_all(receiver).await;
        let ended = waiting.await.expect("no panic");
        assert_eq!((ended.how, ended.output_closed_early, ended.stdout_bytes), (How::Exited(5), true, 56_000));
        assert_eq!(chunks.iter().map(|chunk| chunk.bytes.len()).sum::<usize>(), 56_000);
    });
}

#[test]
fn a_child_that_writes_more_than_it_may_is_stopped_and_head_and_tail_are_kept() {
    let fixture = Fixture::new();
    let mut command = fixture.shell("exec yes 0123456");
    command.stdout = OutputLimits::of(100_000).stopping();
    let collected = fixture.end_of(command);
    let reason = StopReason::OutputLimit { stream: Stream::Stdout, max_bytes: 100_000 };
    assert_eq!(collected.ended.stopped_because, Some(reason));
    assert_eq!(collected.stdout.len(), 100_000);
    let gap = collected.ended.stdout_dropped.expect("something was left out");
    assert_eq!((gap.from, gap.bytes()), (50_000, collected.ended.stdout_bytes - 100_000));
    let written = |offset: u64| b"0123456\n"[usize::try_from(offset % 8).expect("small")];
    assert!((0..gap.from).chain(gap.to..).zip(&collected.stdout).all(|(offset, byte)| written(offset) == *byte));
}

#[test]
fn each_stream_has_a_limit_of_its_own() {
    let fixture = Fixture::new();
    let mut command = fixture.shell("head -c 3000 /dev/zero; head -c 3000 /dev/zero >&2");
    command.stdout = OutputLimits::of(1_000);
    command.stderr = OutputLimits::of(3_000).stopping();
    let collected = fixture.end_of(command);
    assert_eq!((collected.stdout.len(), collected.stderr.len()), (1_000, 3_000));
    assert_eq!(collected.ended.stopped_because, None);
    assert_eq!(
        (collected.ended.stdout_dropped, collected.ended.stderr_dropped),
        (Some(Gap { from: 500, to: 2_500 }), None)
    );
}
