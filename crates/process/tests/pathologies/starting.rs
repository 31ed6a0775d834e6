//! What a child finds when it starts.

use crate::stage::{assert_exited, everywhere, text};

#[test]
fn a_child_finds_three_descriptors_no_privileges_to_gain_and_no_signal_blocked_or_ignored() {
    everywhere(|stage| {
        let script = "ls /proc/self/fd | tr '\\n' ' '; umask; cat /proc/self/status; \
                      [ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] && echo session-of-its-own";
        let ends = stage.twenty(|_| stage.shell(script));
        assert_exited(&ends, |_| 0);
        for end in &ends {
            let said = text(end);
            // The third is the listing itself.
            assert!(said.starts_with("0 1 2 3 0077\n"), "{said}");
            let zero = "0000000000000000";
            for line in ["SigBlk:", "SigIgn:"] {
                assert!(said.lines().any(|found| found == format!("{line}\t{zero}")), "{line} {said}");
            }
            assert!(said.contains("NoNewPrivs:\t1\n"), "{said}");
            assert!(said.contains("session-of-its-own"), "{said}");
        }
    });
}

#[test]
fn a_child_gets_the_environment_that_was_given_and_nothing_else() {
    everywhere(|stage| {
        let ends = stage.twenty(|number| stage.shell("exec env").variable("NUMBER", number.to_string()));
        assert_exited(&ends, |_| 0);
        for (number, end) in ends.iter().enumerate() {
            let said = text(end);
            let mut names: Vec<&str> = said.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
            names.sort_unstable();
            // The shell adds PWD.
            assert_eq!(names, ["DIRECTORY", "NUMBER", "PATH", "PWD"], "{number}: {end:?}");
            assert!(said.contains(&format!("NUMBER={number}\n")));
        }
    });
}

#[test]
fn no_core_file_is_written() {
    everywhere(|stage| {
        let ends = stage.twenty(|_| stage.shell("cd \"$DIRECTORY\"; ulimit -c; kill -ABRT $$"));
        for end in ends {
            assert_eq!(text(&end), "0\n", "{end:?}");
        }
    });
}
