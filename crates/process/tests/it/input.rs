//! What children do with their input.

use attune_process::How;

use crate::fixture::Fixture;

#[test]
fn a_child_without_input_reads_end_of_file() {
    let fixture = Fixture::new();
    assert_eq!(fixture.end_of(fixture.shell("wc -c")).stdout, b"0\n");
}

#[test]
fn input_of_every_size_arrives_whole() {
    let fixture = Fixture::new();
    for size in [1, 4_096, 65_536, 65_537, 2 << 20] {
        let mut command = fixture.shell("cat");
        command.input = (0..size).map(|index| (index % 253) as u8).collect();
        let expected = command.input.clone();
        let collected = fixture.end_of(command);
        assert!(collected.stdout == expected, "{size}");
    }
}

#[test]
fn a_child_that_prints_a_mebibyte_before_it_reads_two_does_not_deadlock() {
    let fixture = Fixture::new();
    let mut command = fixture.shell("head -c 1048576 /dev/zero; wc -c >&2");
    command.input = vec![b'p'; 2 << 20];
    let collected = fixture.end_of(command);
    assert_eq!((collected.ended.how, collected.stdout.len()), (How::Exited(0), 1 << 20));
    assert_eq!(collected.stderr, b"2097152\n");
}

#[test]
fn a_child_that_never_reads_or_closes_its_input_is_no_error() {
    let fixture = Fixture::new();
    for script in ["exit 0", "exec <&-; echo on", "head -c 1 >/dev/null; exec <&-; sleep 0.05", "sleep 0.05"] {
        let mut command = fixture.shell(script);
        command.input = vec![b'p'; 2 << 20];
        let ended = fixture.end_of(command).ended;
        assert_eq!((ended.how, ended.output_closed_early), (How::Exited(0), false), "{script}");
    }
}
