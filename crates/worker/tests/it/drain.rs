//! How a worker leaves.

use std::time::Duration;

use attune_testkit::eventually;
use attune_types::{AttemptState, ExecutionStatus, Outcome, WorkerStatus};
use attune_worker::StopReason;
use serde_json::Map;

use crate::fixture::{Fixture, LONG, gated, in_system, shell};

#[test]
fn what_runs_gets_its_time_and_what_waits_goes_back() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let mut settings = fixture.settings();
        (settings.slots, settings.drain) = (1, LONG);
        let worker = fixture.builder(settings).start().await.expect("the worker starts");
        let gate = fixture.directory.path().join("gate");
        let running = fixture.run(&worker, &gated(&gate)).await;
        fixture.running(running).await;
        let waiting = fixture.run(&worker, "true").await;
        worker.drain();
        eventually("the waiting one to wait for somebody else", LONG, || async {
            (fixture.execution(waiting).await.status == ExecutionStatus::Requested).then_some(())
        })
        .await;
        assert_eq!(fixture.execution(running).await.status, ExecutionStatus::Running);
        std::fs::write(&gate, b"").expect("the gate opens");
        assert_eq!(worker.stopped().await, StopReason::Drained);
        assert_eq!(fixture.ended(running).await.status, ExecutionStatus::Completed);
        let attempts = fixture.store.attempts(waiting).await.expect("the store answers");
        assert!(attempts.iter().all(|attempt| attempt.state.never_started()), "{attempts:?}");
        let workers = fixture.store.workers().await.expect("the store answers");
        assert_eq!(workers[0].status, WorkerStatus::Inactive);
    });
}

#[test]
fn what_does_not_end_in_time_is_interrupted() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let polite = fixture.run(&worker, "echo up; sleep 1000").await;
        let stubborn = fixture.run(&worker, "trap '' TERM; echo up; sleep 1000; sleep 1000").await;
        fixture.running(polite).await;
        fixture.running(stubborn).await;
        worker.drain();
        assert_eq!(worker.stopped().await, StopReason::Drained);
        for id in [polite, stubborn] {
            let execution = fixture.ended(id).await;
            assert_eq!(execution.status, ExecutionStatus::Abandoned);
            assert!(matches!(execution.outcome, Some(Outcome::Interrupted { .. })), "{:?}", execution.outcome);
            let attempts = fixture.store.attempts(id).await.expect("the store answers");
            assert_eq!(attempts[0].state, AttemptState::Interrupted);
        }
        assert!(fixture.tag.living().is_empty());
    });
}

#[test]
fn the_second_word_ends_the_patience_and_the_third_everything() {
    in_system(async {
        for kill in [false, true] {
            let fixture = Fixture::embedded().await;
            let mut settings = fixture.settings();
            settings.drain = Duration::from_secs(1000);
            settings.grace = if kill { Duration::from_secs(1000) } else { Duration::from_millis(200) };
            let worker = fixture.builder(settings).start().await.expect("the worker starts");
            let id = fixture.run(&worker, "trap '' TERM; echo up; sleep 1000; sleep 1000").await;
            fixture.running(id).await;
            worker.drain();
            worker.hurry();
            if kill {
                worker.kill();
                assert_eq!(worker.stopped().await, StopReason::Killed);
            } else {
                assert_eq!(worker.stopped().await, StopReason::Drained);
            }
            assert_eq!(fixture.ended(id).await.status, ExecutionStatus::Abandoned);
            assert!(fixture.tag.living().is_empty());
        }
    });
}

#[test]
fn a_worker_whose_name_is_taken_over_stops_its_work_and_says_so() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let first = fixture.worker().await;
        let id = fixture.run(&first, "echo up; sleep 1000").await;
        fixture.running(id).await;
        let mut settings = fixture.settings();
        settings.state_directory = fixture.directory.path().join("elsewhere");
        // The second life has no evidence about the first: another directory, so perhaps another machine. It sweeps this
        // machine all the same, which here ends the first one's work.
        let second = fixture.builder(settings).start().await.expect("the second worker starts");
        assert_eq!(second.id(), first.id());
        assert_eq!(first.stopped().await, StopReason::Replaced);
        assert!(fixture.tag.living().is_empty());
        fixture.stop(&second).await;
    });
}

#[test]
fn a_worker_that_is_told_to_drain_by_the_store_takes_nothing_until_it_may_again() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let id = fixture.submit(shell("true"), Map::new()).await;
        fixture.store.set_worker_status(worker.name(), WorkerStatus::Draining).await.expect("the store answers");
        eventually("the worker to know", LONG, || async {
            let workers = fixture.store.workers().await.expect("the store answers");
            (workers[0].status == WorkerStatus::Draining).then_some(())
        })
        .await;
        fixture.store.set_worker_status(worker.name(), WorkerStatus::Active).await.expect("the store answers");
        fixture.dispatch(&worker, &[id]).await;
        eventually("the end", LONG, || async {
            let execution = fixture.execution(id).await;
            match execution.status {
                ExecutionStatus::Completed => Some(()),
                // It was still draining and gave it back: once more.
                ExecutionStatus::Requested => {
                    fixture.dispatch(&worker, &[id]).await;
                    None
                }
                _ => None,
            }
        })
        .await;
        fixture.stop(&worker).await;
    });
}
