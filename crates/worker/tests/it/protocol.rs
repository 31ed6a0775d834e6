//! What the protocol promises when messages, the broker or the store misbehave.

use std::sync::Arc;
use std::time::Duration;

use attune_store::Store;
use attune_testkit::eventually;
use attune_testkit::processes::living_with;
use attune_types::{ExecutionStatus, LogStream, Outcome};
use attune_worker::{Mode, StopReason, WorkerBuilder};
use serde_json::Map;

use crate::away_store::AwayStore;
use crate::fixture::{Fixture, LONG, exited, gated, in_system, launcher, shell};

#[test]
fn a_message_that_comes_again_and_again_runs_nothing_twice() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let gate = fixture.directory.path().join("gate");
        let id = fixture.submit(shell(&gated(&gate)), Map::new()).await;
        let messages = fixture.assign(&worker, &[id]).await;
        for _ in 0..5 {
            let _published = fixture.queue.publish(&messages).await;
        }
        fixture.running(id).await;
        for _ in 0..5 {
            let _published = fixture.queue.publish(&messages).await;
        }
        std::fs::write(&gate, b"").expect("the gate opens");
        fixture.assert_ended_once(&[id], ExecutionStatus::Completed).await;
        for late in 1..=3 {
            let _published = fixture.queue.publish(&messages).await;
            eventually("the late one to be refused", LONG, || async {
                (worker.counts().refused >= late).then_some(())
            })
            .await;
        }
        assert_eq!(worker.counts().granted, 1);
        fixture.stop(&worker).await;
    });
}

#[test]
fn work_and_cancels_arrive_with_the_heartbeat_when_there_is_no_broker() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let worker = fixture.worker().await;
        let memory = fixture.memory.as_ref().expect("the in-process queue");
        memory.go_away();
        let quick = fixture.run(&worker, "true").await;
        let long = fixture.run(&worker, "echo up; sleep 1000").await;
        assert_eq!(fixture.ended(quick).await.outcome, exited(0));
        fixture.running(long).await;
        fixture.store.cancel(long, "ada").await.expect("the store answers");
        assert_eq!(fixture.ended(long).await.status, ExecutionStatus::Cancelled);
        memory.come_back();
        let after = fixture.run(&worker, "true").await;
        fixture.ended(after).await;
        assert!(worker.counts().links_lost >= 1);
        fixture.stop(&worker).await;
    });
}

#[test]
fn a_connection_that_breaks_under_load_loses_and_repeats_nothing() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let mut settings = fixture.settings();
        settings.slots = 2;
        let worker = fixture.builder(settings).start().await.expect("the worker starts");
        let memory = fixture.memory.as_ref().expect("the in-process queue");
        let mut ids = Vec::new();
        for _ in 0..40 {
            ids.push(fixture.submit(shell("true"), Map::new()).await);
        }
        for some in ids.chunks(8) {
            fixture.dispatch(&worker, some).await;
            memory.break_connections();
        }
        fixture.assert_ended_once(&ids, ExecutionStatus::Completed).await;
        fixture.stop(&worker).await;
    });
}

async fn away_worker(fixture: &Fixture) -> (Arc<AwayStore>, WorkerBuilder) {
    let store = Arc::new(AwayStore::new(Arc::clone(&fixture.store)).await);
    let builder = WorkerBuilder::new(Mode::Worker, fixture.settings()).launcher(launcher());
    let builder = builder.store(Arc::clone(&store) as Arc<dyn Store>).queue(Arc::clone(&fixture.queue));
    (store, builder)
}

#[test]
fn a_claim_whose_answer_is_lost_is_asked_again_and_runs_once() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let (door, builder) = away_worker(&fixture).await;
        let worker = builder.start().await.expect("the worker starts");
        door.lose_answers_of_claims(2);
        let id = fixture.run(&worker, "echo ran").await;
        fixture.assert_ended_once(&[id], ExecutionStatus::Completed).await;
        assert_eq!(fixture.output(id, LogStream::Stdout).await, "ran\n");
        assert_eq!(fixture.store.attempts(id).await.expect("the store answers").len(), 1);
        fixture.stop(&worker).await;
    });
}

#[test]
fn what_was_granted_without_an_answer_is_given_back_by_a_worker_that_leaves() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let (door, builder) = away_worker(&fixture).await;
        let worker = builder.start().await.expect("the worker starts");
        door.lose_answers_of_claims(usize::MAX);
        let id = fixture.run(&worker, "true").await;
        eventually("the store to have granted it", LONG, || async {
            (fixture.execution(id).await.status == ExecutionStatus::Running).then_some(())
        })
        .await;
        worker.drain();
        assert_eq!(worker.stopped().await, StopReason::Drained);
        // Nothing of it ran, so it waits for somebody else and nobody calls its outcome unknown.
        assert_eq!(fixture.execution(id).await.status, ExecutionStatus::Retrying);
        let attempts = fixture.store.attempts(id).await.expect("the store answers");
        assert!(attempts[0].state.never_started(), "{attempts:?}");
    });
}

#[test]
fn an_end_that_the_store_cannot_take_is_reported_when_it_is_back() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let (door, builder) = away_worker(&fixture).await;
        let worker = builder.start().await.expect("the worker starts");
        let gate = fixture.directory.path().join("gate");
        let id = fixture.run(&worker, &gated(&gate)).await;
        fixture.running(id).await;
        door.set_away(true);
        let waiting = fixture.run(&worker, "true").await;
        std::fs::write(&gate, b"").expect("the gate opens");
        let spooled = fixture.settings().state_directory.join(format!("ends/{id}.1.json"));
        eventually("the end to lie on disk", LONG, || async { spooled.exists().then_some(()) }).await;
        assert_eq!(fixture.execution(id).await.status, ExecutionStatus::Running);
        door.set_away(false);
        fixture.assert_ended_once(&[id, waiting], ExecutionStatus::Completed).await;
        eventually("the file to go", LONG, || async { (!spooled.exists()).then_some(()) }).await;
        fixture.stop(&worker).await;
    });
}

#[test]
fn an_end_that_was_never_reported_is_reported_by_the_next_life() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let (door, builder) = away_worker(&fixture).await;
        let worker = builder.start().await.expect("the worker starts");
        let gate = fixture.directory.path().join("gate");
        let id = fixture.run(&worker, &gated(&gate)).await;
        fixture.running(id).await;
        door.set_away(true);
        std::fs::write(&gate, b"").expect("the gate opens");
        let spooled = fixture.settings().state_directory.join(format!("ends/{id}.1.json"));
        eventually("the end to lie on disk", LONG, || async { spooled.exists().then_some(()) }).await;
        worker.drain();
        assert_eq!(worker.stopped().await, StopReason::Unreported { outcomes: 1 });
        let next = fixture.worker().await;
        assert_eq!(fixture.ended(id).await.outcome, exited(0));
        assert!(!spooled.exists());
        fixture.stop(&next).await;
    });
}

#[test]
fn a_worker_that_cannot_renew_its_leases_stops_what_runs_before_they_end() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let store = Arc::new(AwayStore::new(Arc::clone(&fixture.store)).await);
        let mut settings = fixture.settings();
        settings.lease = Duration::from_secs(3);
        settings.fence = attune_worker::fence::FencePolicy::of_lease(settings.lease);
        let builder = WorkerBuilder::new(Mode::Worker, settings).launcher(launcher());
        let builder = builder.store(Arc::clone(&store) as Arc<dyn Store>).queue(Arc::clone(&fixture.queue));
        let worker = builder.start().await.expect("the worker starts");
        let id = fixture.run(&worker, "trap '' TERM; echo up; sleep 1000; sleep 1000").await;
        fixture.running(id).await;
        store.set_away(true);
        eventually("everything to be dead", LONG, || async { fixture.tag.living().is_empty().then_some(()) }).await;
        store.set_away(false);
        let execution = fixture.ended(id).await;
        assert!(matches!(execution.outcome, Some(Outcome::Interrupted { .. })), "{:?}", execution.outcome);
        fixture.stop(&worker).await;
    });
}

#[test]
fn what_an_earlier_life_left_running_is_ended_at_the_start() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let settings = fixture.settings();
        // What a worker that was killed with SIGKILL leaves: a process that carries its home and another incarnation.
        std::fs::create_dir_all(&settings.state_directory).expect("a directory");
        let home = std::fs::canonicalize(&settings.state_directory).expect("a path").display().to_string();
        let mut command = attune_process::Command::new("/bin/sleep").arguments(["1000"]);
        command.environment = vec![
            ("ATTUNE_WORKER_HOME".into(), home.clone().into()),
            ("ATTUNE_INCARNATION".into(), "0123456789abcdef0123456789abcdef".into()),
        ];
        let (sender, _chunks) = tokio::sync::mpsc::channel(1);
        let left = launcher().spawn(command, sender).await.expect("it starts");
        let waiting = tokio::spawn(left.wait());
        let worker = fixture.worker().await;
        let ended = waiting.await.expect("joined");
        assert_eq!(ended.how, attune_process::How::Signaled(9));
        assert!(living_with("ATTUNE_WORKER_HOME", &home).is_empty());
        fixture.stop(&worker).await;
    });
}
