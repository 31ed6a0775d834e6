//! What follows from a report.

use super::report::Report;

/// Everything that is wrong with a worker that reported this, at `now` milliseconds of the clock that counts suspend.
/// Nothing: it can do its work.
pub(crate) fn judge(report: &Report, now: u64) -> Vec<String> {
    let mut wrong = Vec::new();
    let age = now.saturating_sub(report.at);
    if report.at > now {
        wrong.push("it has said nothing since the machine started".to_owned());
    } else if age > report.good_for {
        wrong.push(format!("it has said nothing for {} s", age / 1000));
    }
    if !report.tree {
        wrong.push("its actors do not answer".to_owned());
    }
    let silence = now.saturating_sub(report.beat);
    if silence > report.beat_good_for {
        wrong.push(format!("the database confirmed no heartbeat for {} s", silence / 1000));
    }
    if report.consuming == Some(false) {
        wrong.push("the broker has no consumer of it".to_owned());
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            worker: "w1".to_owned(),
            at: 100_000,
            good_for: 10_000,
            tree: true,
            beat: 99_000,
            beat_good_for: 16_000,
            consuming: Some(true),
        }
    }

    #[test]
    fn a_worker_is_healthy_while_it_answers_beats_and_consumes() {
        assert!(judge(&report(), 101_000).is_empty());
        assert!(judge(&Report { consuming: None, ..report() }, 101_000).is_empty());
    }

    #[test]
    fn whatever_makes_it_deaf_is_said() {
        let cases = [
            (Report { tree: false, ..report() }, 101_000, "its actors do not answer"),
            (Report { consuming: Some(false), ..report() }, 101_000, "the broker has no consumer of it"),
            (Report { beat: 80_000, ..report() }, 101_000, "the database confirmed no heartbeat for 21 s"),
            (report(), 111_000, "it has said nothing for 11 s"),
        ];
        for (report, now, wrong) in cases {
            assert_eq!(judge(&report, now), [wrong], "{report:?}");
        }
    }

    #[test]
    fn a_report_of_another_life_of_the_machine_is_not_believed() {
        // The clock began anew, so what was written before lies in the future.
        assert_eq!(judge(&report(), 50), ["it has said nothing since the machine started"]);
    }
}
