//! Children and their input.

use crate::stage::{assert_exited, everywhere};

#[test]
fn who_prints_a_mebibyte_before_reading_two_does_not_deadlock() {
    everywhere(|stage| {
        let ends = stage.twenty(|number| {
            let mut command = stage.shell(&format!("head -c 1048576 /dev/zero; wc -c >&2; exit {number}"));
            command.input = vec![b'p'; 2 << 20];
            command
        });
        assert_exited(&ends, |number| number as i32);
        assert!(ends.iter().all(|end| end.stdout.len() == 1 << 20 && end.stderr == b"2097152\n"));
    });
}

#[test]
fn who_never_reads_or_closes_the_input_is_no_error() {
    everywhere(|stage| {
        let scripts = ["exit 0", "exec <&-; echo on", "head -c 1 >/dev/null; exec <&-; sleep 0.05", "sleep 0.05"];
        let ends = stage.twenty(|number| {
            let mut command = stage.shell(scripts[number % scripts.len()]);
            command.input = vec![b'p'; 2 << 20];
            command
        });
        assert_exited(&ends, |_| 0);
        assert!(ends.iter().all(|end| !end.ended.output_closed_early));
    });
}
