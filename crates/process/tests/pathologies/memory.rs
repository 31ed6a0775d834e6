//! Children that take too much memory.

use attune_process::How;
use attune_testkit::User;

use crate::stage::{TWENTY, everywhere, text};

const LIMIT: u64 = 64 << 20;
/// Takes a gibibyte and touches all of it.
const GREEDY: &str = "my $all = 'x' x (1 << 30); print length $all; exit 0";

#[test]
fn who_takes_more_memory_than_the_limit_is_stopped_with_the_evidence_and_neighbours_finish() {
    everywhere(|stage| {
        let ends = stage.twenty(|number| {
            let mut command = if number % 4 == 0 { stage.perl(GREEDY, &[]) } else { stage.shell("sleep 0.3; exit 5") };
            command.limits.memory_bytes = Some(LIMIT);
            command
        });
        let is_counted = stage.surroundings.memory_group().is_some();
        assert!(ends.len() == TWENTY);
        for (number, end) in ends.iter().enumerate() {
            let about = format!("{:?}: {number}: {end:?}", stage.world);
            if number % 4 != 0 {
                assert_eq!(end.ended.how, How::Exited(5), "{about}");
                assert_eq!(end.ended.oom, None, "{about}");
                continue;
            }
            assert_ne!(text(end), (1_u64 << 30).to_string(), "it did not get it: {about}");
            if stage.world.user == User::Root && is_counted {
                assert_eq!(end.ended.how, How::Signaled(libc::SIGKILL), "{about}");
                let evidence = end.ended.oom.as_ref().expect("evidence");
                assert_eq!(evidence.limit_bytes, Some(LIMIT), "{about}");
                let peak = evidence.peak_bytes.expect("a peak");
                assert!(peak > LIMIT / 2 && peak <= LIMIT + (4 << 20), "{about}");
            } else {
                // Each process may have so much address space, and perl says what it was refused.
                assert_eq!(end.ended.oom, None, "nothing is claimed that was not seen: {about}");
                assert!(matches!(end.ended.how, How::Exited(code) if code != 0), "{about}");
                assert!(String::from_utf8_lossy(&end.stderr).contains("Out of memory"), "{about}");
            }
        }
    });
}

#[test]
fn the_kernel_is_told_to_take_children_first() {
    everywhere(|stage| {
        let ends = stage.twenty(|_| stage.shell("cat /proc/self/oom_score_adj /proc/$PPID/oom_score_adj"));
        for end in ends {
            assert_eq!(text(&end).lines().next(), Some("800"), "{end:?}");
        }
    });
}
