//! Children and their output.

use std::fs;
use std::time::Duration;

use attune_process::{Gap, How, OutputLimits, StopReason};

use crate::stage::{TWENTY, assert_exited, everywhere};

/// Fifteen bytes again and again, without a newline.
const PATTERN: &[u8] = b"0123456789abcde";

#[test]
fn floods_without_a_newline_keep_head_and_tail_in_bounded_memory() {
    const LENGTH: u64 = 48 << 20;
    everywhere(|stage| {
        let script = format!("yes 0123456789abcde | tr -d '\\n' | head -c {LENGTH}; exit 4");
        let limit = OutputLimits::of(64 << 10);
        let before = resident_bytes();
        let ends = stage.twenty(|_| {
            let mut command = stage.shell(&script);
            command.stdout = limit;
            command
        });
        let grown = peak_bytes().saturating_sub(before);
        // Two streams of 256 KiB each, and the test's own copies.
        assert!(grown < (TWENTY as u64 * 2 * (256 << 10)) + (24 << 20), "{grown} bytes more than before");
        assert_exited(&ends, |_| 4);
        let (head, tail) = (limit.head() as usize, limit.tail() as usize);
        for end in ends {
            assert_eq!(end.ended.stdout_bytes, LENGTH);
            assert_eq!(end.ended.stdout_dropped, Some(Gap { from: limit.head(), to: LENGTH - limit.tail() }));
            let expected = |offset: u64| PATTERN[(offset % PATTERN.len() as u64) as usize];
            assert_eq!(end.stdout.len(), head + tail);
            assert!(end.stdout[..head].iter().zip(0..).all(|(byte, at)| *byte == expected(at)), "the head differs");
            assert!(
                end.stdout[head..].iter().zip(LENGTH - limit.tail()..).all(|(byte, at)| *byte == expected(at)),
                "the tail differs"
            );
        }
    });
}

#[test]
fn zero_bytes_broken_text_and_escapes_are_kept_exactly() {
    everywhere(|stage| {
        let script = r"printf '\000\377\033[31m\033]52;c;x\007\200\r\n\n'; printf 'caf\303\000' >&2";
        for end in stage.twenty(|_| stage.shell(script)) {
            assert_eq!(end.stdout, b"\0\xff\x1b[31m\x1b]52;c;x\x07\x80\r\n\n");
            assert_eq!(end.stderr, b"caf\xc3\0");
        }
    });
}

#[test]
fn who_closes_the_output_still_runs() {
    everywhere(|stage| {
        let gate = stage.surroundings.path("gate");
        let ends = stage.run(async {
            let script = "echo up; exec >&- 2>&-; until [ -e \"$DIRECTORY/gate\" ]; do sleep 0.02; done; exit 4";
            let mut running = Vec::new();
            for _ in 0..TWENTY {
                running.push(stage.started(stage.shell(script)).await);
            }
            fs::write(&gate, "").expect("the gate opens");
            let mut ends = Vec::new();
            for one in running {
                ends.push(one.end().await);
            }
            ends
        });
        assert_exited(&ends, |_| 4);
        assert!(ends.iter().all(|end| end.stdout == b"up\n" && !end.ended.output_closed_early));
        fs::remove_file(gate).expect("the gate closes");
    });
}

#[test]
fn who_closes_the_output_is_still_timed() {
    everywhere(|stage| {
        let ends = stage.twenty(|_| {
            let mut command = stage.shell("exec >&- 2>&-; exec sleep 1000");
            command.timeout = Some(Duration::from_millis(500));
            command
        });
        for end in ends {
            assert_eq!(end.ended.stopped_because, Some(StopReason::TimedOut), "{end:?}");
            assert!(matches!(end.ended.how, How::Signaled(_)), "{end:?}");
        }
    });
}

fn status_bytes(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc is there");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the line");
    let number = line.split_ascii_whitespace().find_map(|word| word.parse::<u64>().ok()).expect("a number");
    number << 10
}

fn resident_bytes() -> u64 {
    status_bytes("VmRSS:")
}

fn peak_bytes() -> u64 {
    status_bytes("VmHWM:")
}
