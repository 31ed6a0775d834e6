//! The broker breaks, leases run out, actors crash.

use std::time::Duration;

use attune_queue::Queue;
use attune_store::ReaperPolicy;
use attune_supervise::{Crash, How};
use attune_types::ExecutionId;
use serde_json::json;

use crate::fixture::{Fixture, Worker, on_system, quick};

async fn status_of(fixture: &Fixture, id: ExecutionId) -> String {
    fixture.store.execution(id).await.expect("an answer").expect("it exists").status.to_string()
}

#[test]
fn no_order_is_lost_when_the_broker_breaks() {
    on_system(async {
        let timing = ReaperPolicy { outbox_hold_ms: 100, ..ReaperPolicy::default() };
        let fixture = Fixture::start_with(|control| control.ticks(quick()).timing(timing)).await;
        let worker = fixture.worker("w1", &["shell"], 50).await;
        let mut submitted = Vec::new();
        for number in 0..50 {
            if number % 10 == 0 {
                fixture.queue.break_connections();
            }
            submitted.push(fixture.submit_plain().await);
        }
        for id in submitted {
            // By message, or by message again: the row stays until the broker confirmed it.
            attune_testkit::eventually("every order arrives", Duration::from_secs(60), || async {
                if status_of(&fixture, id).await != "completed" {
                    worker.work_one().await;
                }
                (status_of(&fixture, id).await == "completed").then_some(())
            })
            .await;
        }
        attune_testkit::eventually("the outbox is empty", Duration::from_secs(60), || async {
            let left = fixture.store.take_outbox(1000, 0).await.expect("an answer");
            left.is_empty().then_some(())
        })
        .await;
        fixture.stop().await;
    });
}

#[test]
fn a_lease_that_ran_out_is_ended_and_called_unknown() {
    on_system(async {
        let timing = ReaperPolicy { lease_ms: 200, lease_slack_ms: 0, gap_ms: 60_000, ..ReaperPolicy::default() };
        let fixture = Fixture::start_with(|control| control.ticks(quick()).timing(timing)).await;
        let worker = fixture.worker("w1", &["shell"], 1).await;
        let id = fixture.submit_plain().await;
        let (execution, attempt) = worker.next_order().await;
        let (hold, token) = (attune_store::Hold::Nothing, attune_store::fresh_token().expect("random bytes"));
        let request = attune_store::ClaimRequest { execution, attempt, hold, lease_ms: 200, token, again: false };
        worker.store.claim(worker.incarnation, vec![request]).await.expect("an answer");
        let execution = fixture.client.get(&format!("/api/v1/executions/{id}?wait=60")).await.json();
        assert_eq!(execution["status"], "abandoned");
        assert_eq!(execution["outcome"]["cause"], "worker_lost");
        fixture.stop().await;
    });
}

#[test]
fn an_order_that_nobody_claims_goes_to_somebody_else() {
    on_system(async {
        let timing = ReaperPolicy { dispatch_ms: 200, gap_ms: 60_000, ..ReaperPolicy::default() };
        let fixture = Fixture::start_with(|control| control.ticks(quick()).timing(timing)).await;
        let deaf = fixture.worker("deaf", &["shell"], 1).await;
        let id = fixture.submit_plain().await;
        assert_eq!(deaf.next_order().await.0, id);
        assert!(
            fixture.store.set_worker_status("deaf", attune_types::WorkerStatus::Draining).await.expect("an answer")
        );
        let other = fixture.worker("w2", &["shell"], 1).await;
        assert_eq!(other.work_one().await, id);
        fixture.stop().await;
    });
}

#[test]
fn every_actor_may_crash_and_work_goes_on() {
    on_system(async {
        let timing = ReaperPolicy { outbox_hold_ms: 500, ..ReaperPolicy::default() };
        let fixture = Fixture::start_with(|control| control.ticks(quick()).timing(timing)).await;
        let worker = fixture.worker("w1", &["shell"], 20).await;
        let names: Vec<String> =
            fixture.control.status().await.expect("a tree").children.into_iter().map(|child| child.name).collect();
        assert_eq!(names, ["relay", "scheduler", "reaper", "retention", "packs", "bell", "auditor", "api"]);
        for name in &names {
            let id = fixture.submit_plain().await;
            let crash = Crash { child: name.clone(), how: How::PanicInHandler };
            fixture.control.tree().send(crash).await.expect("an answer").expect("crashed");
            attune_testkit::eventually("it is restarted", Duration::from_secs(30), || async {
                let tree = fixture.control.status().await.expect("a tree");
                tree.child(name).is_some_and(|child| child.restarts == 1 && child.uptime_ms.is_some()).then_some(())
            })
            .await;
            let path = format!("/api/v1/executions/{id}?wait=60");
            let (execution, worked) = tokio::join!(fixture.client.get(&path), worker.work_one());
            assert_eq!((worked, execution.json()["status"].clone()), (id, json!("completed")), "after {name}");
        }
        fixture.stop().await;
    });
}

#[test]
fn an_order_whose_queue_is_missing_is_left_to_the_beat() {
    on_system(async {
        let timing = ReaperPolicy { outbox_hold_ms: 50, ..ReaperPolicy::default() };
        let fixture = Fixture::start_with(|control| control.ticks(quick()).timing(timing)).await;
        // It registers and never consumes: to another broker, as far as this one knows.
        let elsewhere = std::sync::Arc::new(attune_queue::MemoryQueue::new());
        let worker = Worker::register(fixture.store.clone(), elsewhere.clone(), "w1", &["shell"], 1).await;
        let id = fixture.submit_plain().await;
        let beat = attune_store::Beat {
            worker: worker.registered.id,
            incarnation: worker.incarnation,
            holding: Vec::new(),
            lease_ms: 45_000,
            refuses_work: false,
        };
        let (execution, attempt) = attune_testkit::eventually("the beat tells", Duration::from_secs(30), || async {
            worker.store.beat(&beat).await.expect("an answer").assigned.first().copied()
        })
        .await;
        assert_eq!(execution, id);
        assert!(worker.claim(execution, attempt).await.is_some());
        attune_testkit::eventually("the order is given up", Duration::from_secs(30), || async {
            fixture.store.take_outbox(1000, 0).await.expect("an answer").is_empty().then_some(())
        })
        .await;
        elsewhere.close().await;
        fixture.stop().await;
    });
}
