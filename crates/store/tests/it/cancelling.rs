//! Cancels, whenever they come.

use attune_store::{Answered, Beat, CancelAnswer};
use attune_types::{AttemptState, ExecutionId, ExecutionStatus, Outcome, Payload, RetryCause};

use crate::stage::{Stage, completion, request, retried, success};

pub(crate) async fn what_has_not_started_is_cancelled_at_once(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let waiting = stage.submit(request()).await;
    let assigned = stage.submit(request()).await;
    stage.assign(assigned, hand).await.expect("assigned");
    let claimed = stage.submit(request()).await;
    stage.assign(claimed, hand).await.expect("assigned");
    let held = stage.claim(claimed, 1, hand, true).await.expect("granted");
    for id in [waiting, assigned, claimed] {
        assert_eq!(stage.store.cancel(id, "ann").await.expect("answered"), CancelAnswer::Cancelled);
        let execution = stage.execution(id).await;
        assert_eq!(execution.status, ExecutionStatus::Cancelled);
        assert_eq!(execution.outcome, Some(Outcome::Cancelled { by: "ann".into() }));
        let again = stage.store.cancel(id, "bob").await.expect("answered");
        assert_eq!(again, CancelAnswer::AlreadyEnded(ExecutionStatus::Cancelled));
    }
    assert!(stage.claim(assigned, 1, hand, false).await.is_none());
    let start = attune_store::HandBack {
        execution: claimed,
        attempt: held.attempt,
        token: Some(held.token),
        never_started: false,
        reason: String::new(),
        outcome: None,
    };
    let started = stage.store.start(hand.incarnation, vec![start]).await.expect("answered");
    assert_eq!(started, [Answered::Refused]);
    assert_eq!(stage.store.attempts(claimed).await.expect("attempts")[0].state, AttemptState::Superseded);
    assert_eq!(stage.store.cancel(ExecutionId(987_654), "ann").await.expect("answered"), CancelAnswer::Unknown);
    assert_eq!(stage.completed_messages().await.len(), 3);
}

pub(crate) async fn what_runs_is_asked_to_stop_and_its_worker_is_told_twice(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let work = stage.run(retried(&[RetryCause::Failed], true), hand).await;
    let id = work.execution;
    assert_eq!(stage.store.cancel(id, "ann").await.expect("answered"), CancelAnswer::Canceling);
    assert_eq!(stage.store.cancel(id, "bob").await.expect("answered"), CancelAnswer::Canceling);
    assert_eq!(stage.status(id).await, ExecutionStatus::Canceling);
    let orders: Vec<_> = stage.store.take_outbox(10, 5_000).await.expect("taken");
    let orders: Vec<_> = orders.into_iter().map(|message| message.envelope.payload).collect();
    assert_eq!(orders, [Payload::Cancel { execution: id, worker: hand.id }]);
    let beat = Beat {
        worker: hand.id,
        incarnation: hand.incarnation,
        holding: vec![(id, work.attempt)],
        lease_ms: 45_000,
        refuses_work: false,
    };
    let reply = stage.store.beat(&beat).await.expect("beaten");
    assert_eq!(reply.cancels, [(id, work.attempt, "ann".to_owned())]);
    // A policy that would retry it does not count any more.
    let killed = completion(&work, Outcome::Signaled { signal: 15, sent_by: Some("attune".into()) });
    assert_eq!(stage.complete(killed).await, Answered::Accepted);
    assert_eq!(stage.status(id).await, ExecutionStatus::Cancelled);
    assert!(stage.kinds(id).await.contains(&"execution.canceling".to_owned()));
}

pub(crate) async fn a_success_that_wins_the_race_stays_a_success(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let work = stage.run(request(), hand).await;
    assert_eq!(stage.store.cancel(work.execution, "ann").await.expect("answered"), CancelAnswer::Canceling);
    assert_eq!(stage.complete(success(&work)).await, Answered::Accepted);
    assert_eq!(stage.status(work.execution).await, ExecutionStatus::Completed);
    let late = stage.store.cancel(work.execution, "ann").await.expect("answered");
    assert_eq!(late, CancelAnswer::AlreadyEnded(ExecutionStatus::Completed));
}

pub(crate) async fn what_waits_for_a_retry_can_be_cancelled(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let work = stage.run(retried(&[RetryCause::Failed], false), hand).await;
    assert_eq!(stage.complete(completion(&work, Outcome::Exited { code: 1 })).await, Answered::Accepted);
    assert_eq!(stage.store.cancel(work.execution, "ann").await.expect("answered"), CancelAnswer::Cancelled);
    stage.pass(301_000).await;
    assert!(stage.assign(work.execution, hand).await.is_none());
}

pub(crate) async fn cancel_claim_and_complete_race_to_one_end(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    for _ in 0..20 {
        let id = stage.submit(request()).await;
        stage.assign(id, hand).await.expect("assigned");
        let cancel = tokio::spawn({
            let store = stage.store.clone();
            async move { store.cancel(id, "ann").await.expect("answered") }
        });
        let granted = stage.claim(id, 1, hand, false).await;
        let accepted = match &granted {
            Some(work) => stage.complete(success(work)).await == Answered::Accepted,
            None => false,
        };
        let answer = cancel.await.expect("joined");
        let expected = if accepted { ExecutionStatus::Completed } else { ExecutionStatus::Cancelled };
        assert_eq!(stage.status(id).await, expected, "{answer:?}");
        assert_eq!(granted.is_some(), accepted);
        assert_eq!(stage.completed_messages().await, [(id, expected)]);
    }
}
