//! Leases, deadlines, silence, and the reaper's own absence.

use attune_store::{Answered, Beat, ReapReport, Registration};
use attune_types::{AttemptState, ExecutionStatus, Outcome, RetryCause, WorkerStatus};

use crate::stage::{Hand, Stage, completion, registration, request, retried, success};

impl Stage {
    pub(crate) async fn tick(&self) -> ReapReport {
        self.store.reap(&self.policy).await.expect("reaped")
    }

    /// Lets time pass while the reaper ticks as it should.
    pub(crate) async fn live(&self, seconds: i64) -> Vec<ReapReport> {
        let mut reports = vec![self.tick().await];
        let mut left = seconds * 1000;
        while left > 0 {
            let step = left.min(5_000);
            self.pass(step).await;
            left -= step;
            reports.push(self.tick().await);
        }
        reports
    }

    pub(crate) async fn beat(
        &self,
        hand: Hand,
        holding: Vec<(attune_types::ExecutionId, attune_types::AttemptNumber)>,
    ) {
        let beat =
            Beat { worker: hand.id, incarnation: hand.incarnation, holding, lease_ms: 45_000, refuses_work: false };
        assert!(!self.store.beat(&beat).await.expect("beaten").replaced);
    }
}

fn lost(reports: &[ReapReport]) -> usize {
    reports.iter().map(|report| report.lost.len()).sum()
}

pub(crate) async fn a_lease_that_ran_out_abandons_or_retries(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let plain = stage.run(request(), hand).await;
    let again = stage.run(retried(&[RetryCause::Lost], true), hand).await;
    let careless = stage.run(retried(&[RetryCause::Lost], false), hand).await;
    assert_eq!(lost(&stage.live(35).await), 0, "the lease is not over");
    let reports = stage.live(13).await;
    let mut ended: Vec<_> = reports.iter().flat_map(|report| report.lost.clone()).collect();
    ended.sort_unstable();
    assert_eq!(
        ended,
        [
            (plain.execution, plain.attempt, ExecutionStatus::Abandoned),
            (again.execution, again.attempt, ExecutionStatus::Retrying),
            (careless.execution, careless.attempt, ExecutionStatus::Abandoned)
        ]
    );
    let execution = stage.execution(plain.execution).await;
    assert!(matches!(execution.outcome, Some(Outcome::WorkerLost { last_seen: Some(_) })));
    assert_eq!(stage.completed_messages().await.len(), 2);
    assert_eq!(stage.complete(success(&plain)).await, Answered::Refused);
    assert_eq!(stage.store.attempts(plain.execution).await.expect("attempts")[0].state, AttemptState::Lost);
    assert!(stage.kinds(plain.execution).await.contains(&"attempt.lost".to_owned()));
}

pub(crate) async fn beats_keep_what_is_held_and_only_that(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let held = stage.run(request(), hand).await;
    // Its claim was granted, but the answer never arrived: the worker does not know of it.
    let orphan = stage.run(request(), hand).await;
    let mut reports = Vec::new();
    for _ in 0..12 {
        stage.beat(hand, vec![(held.execution, held.attempt)]).await;
        reports.extend(stage.live(5).await);
    }
    let ended: Vec<_> = reports.iter().flat_map(|report| &report.lost).map(|(id, ..)| *id).collect();
    assert_eq!(ended, [orphan.execution]);
    assert_eq!(stage.status(held.execution).await, ExecutionStatus::Running);
    // Late, but not yet reaped: the state decides, not the lease.
    stage.pass(46_000).await;
    assert_eq!(stage.complete(success(&held)).await, Answered::Accepted);
}

pub(crate) async fn a_gap_in_the_ticks_spares_every_lease_for_one_lease_time(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let work = stage.run(request(), hand).await;
    let waiting = stage.submit(request()).await;
    stage.assign(waiting, hand).await.expect("assigned");
    assert!(!stage.tick().await.spared);
    // The database was away for an hour, or its clock was set.
    stage.pass(3_600_000).await;
    let report = stage.tick().await;
    assert_eq!(report, ReapReport { spared: true, ..ReapReport::default() });
    let reports = stage.live(35).await;
    assert!(reports.iter().all(|report| *report == ReapReport { spared: true, ..ReapReport::default() }));
    assert_eq!(stage.status(work.execution).await, ExecutionStatus::Running);
    let reports = stage.live(12).await;
    assert_eq!(lost(&reports), 1, "nobody came back");
    assert_eq!(stage.status(work.execution).await, ExecutionStatus::Abandoned);
    assert_eq!(stage.status(waiting).await, ExecutionStatus::Requested);
}

pub(crate) async fn a_clock_set_back_loses_nothing(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let work = stage.run(request(), hand).await;
    stage.tick().await;
    stage.pass(-3_600_000).await;
    assert_eq!(lost(&stage.live(20).await), 0);
    stage.pass(3_600_000).await;
    assert!(stage.tick().await.spared);
    stage.beat(hand, vec![(work.execution, work.attempt)]).await;
    assert_eq!(lost(&stage.live(40).await), 0);
    assert_eq!(stage.status(work.execution).await, ExecutionStatus::Running);
}

pub(crate) async fn a_clock_set_back_holds_nothing_up(stage: &Stage) {
    const HOUR: i64 = 3_600_000;
    let (dead, idle) = (stage.worker("dead", 1).await, stage.worker("idle", 2).await);
    let lost_one = stage.run(request(), dead).await;
    let unclaimed = stage.submit(request()).await;
    stage.assign(unclaimed, dead).await.expect("assigned");
    let retry = stage.run(retried(&[RetryCause::Failed], true), idle).await;
    let _applied = stage.complete(completion(&retry, Outcome::Exited { code: 1 })).await;
    let (first, second) = (stage.submit(request()).await, stage.submit(request()).await);
    stage.store.take_outbox(100, stage.policy.outbox_hold_ms).await.expect("taken");
    stage.tick().await;
    stage.pass(-HOUR).await;
    stage.tick().await;
    let third = stage.submit(request()).await;
    // What waits is placed, in its old order; what was in hand is offered again; who is silent is seen to be.
    stage.beat(idle, Vec::new()).await;
    let view = stage.store.placement_view(10, &[]).await.expect("a view");
    let waiting: Vec<_> = view.waiting.iter().map(|waiting| waiting.execution).collect();
    assert_eq!(waiting, [first, second, third]);
    let mut reports = Vec::new();
    let mut taken = 0;
    for _ in 0..10 {
        reports.extend(stage.live(5).await);
        stage.beat(idle, Vec::new()).await;
        taken += stage.store.take_outbox(100, stage.policy.outbox_hold_ms).await.expect("taken").len();
    }
    assert!(taken > 0, "messages that somebody held are free again");
    assert!(reports.iter().any(|report| report.unreachable == [dead.id]));
    assert!(reports.iter().any(|report| report.superseded == [unclaimed]));
    assert_eq!(lost(&reports), 1);
    assert_eq!(stage.status(lost_one.execution).await, ExecutionStatus::Abandoned);
    stage.run_again(retry.execution, idle).await;
}

pub(crate) async fn what_is_given_back_after_the_clock_was_set_back_is_placed_again(stage: &Stage) {
    let (one, other) = (stage.worker("one", 1).await, stage.worker("other", 2).await);
    let id = stage.submit(request()).await;
    stage.assign(id, one).await.expect("assigned");
    stage.tick().await;
    stage.pass(-3_600_000).await;
    stage.tick().await;
    assert_eq!(stage.store.take_back(one.id, 1).await.expect("taken back"), [id]);
    assert!(stage.assign(id, other).await.is_some(), "its place in the queue lies an hour ahead");
}

pub(crate) async fn what_no_worker_survives_preparing_fails_after_three(stage: &Stage) {
    let id = stage.submit(request()).await;
    for life in 1..=3 {
        let hand = stage.worker("w", life).await;
        stage.assign(id, hand).await.expect("assigned");
        stage.claim(id, i32::from(life), hand, true).await.expect("granted");
        let evidence = Registration { previous_is_dead: true, ..registration("w", life + 1) };
        stage.store.register_worker(&evidence).await.expect("registered");
        let expected = if life < 3 { ExecutionStatus::Requested } else { ExecutionStatus::Failed };
        assert_eq!(stage.status(id).await, expected, "after {life}");
    }
    let Some(Outcome::Undeliverable { nearest_misses }) = stage.execution(id).await.outcome else {
        panic!("an outcome")
    };
    assert!(nearest_misses[0].lacks[0].starts_with("3 workers vanished"), "{nearest_misses:?}");
    assert_eq!(stage.completed_messages().await, [(id, ExecutionStatus::Failed)]);
}

pub(crate) async fn what_nobody_claims_in_time_waits_again(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let id = stage.submit(request()).await;
    stage.assign(id, hand).await.expect("assigned");
    assert!(stage.live(5).await.iter().all(|report| report.superseded.is_empty()));
    let superseded: Vec<_> = stage.live(12).await.into_iter().flat_map(|report| report.superseded).collect();
    assert_eq!(superseded, [id]);
    assert_eq!(stage.status(id).await, ExecutionStatus::Requested);
    assert!(stage.claim(id, 1, hand, false).await.is_none());
    stage.beat(hand, Vec::new()).await;
    assert_eq!(stage.run_again(id, hand).await.attempt.0, 2);
}

pub(crate) async fn a_held_claim_whose_lease_ran_out_waits_again(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let id = stage.submit(request()).await;
    stage.assign(id, hand).await.expect("assigned");
    stage.claim(id, 1, hand, true).await.expect("granted");
    let reports = stage.live(48).await;
    let ended: Vec<_> = reports.iter().flat_map(|report| report.lost.clone()).collect();
    assert_eq!(
        ended.iter().map(|(id, _, status)| (*id, *status)).collect::<Vec<_>>(),
        [(id, ExecutionStatus::Requested)]
    );
    // Its barrier never opened, so nothing ran and nothing counts.
    assert_eq!(stage.store.attempts(id).await.expect("attempts")[0].state, AttemptState::Superseded);
    assert_eq!(stage.number("SELECT tries + unstarted FROM execution").await, 0);
}

pub(crate) async fn a_silent_worker_is_unreachable_until_it_beats(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let status = async || stage.store.workers().await.expect("workers")[0].status;
    stage.live(5).await;
    assert_eq!(status().await, WorkerStatus::Active);
    let unreachable: Vec<_> = stage.live(12).await.into_iter().flat_map(|report| report.unreachable).collect();
    assert_eq!(unreachable, [hand.id]);
    assert_eq!(status().await, WorkerStatus::Unreachable);
    let id = stage.submit(request()).await;
    assert!(stage.assign(id, hand).await.is_none(), "no new work");
    stage.beat(hand, Vec::new()).await;
    assert_eq!(status().await, WorkerStatus::Active);
    assert!(stage.assign(id, hand).await.is_some());
    // A drain that was asked for survives the silence.
    stage.store.set_worker_status("w", WorkerStatus::Draining).await.expect("set");
    stage.live(16).await;
    assert_eq!(status().await, WorkerStatus::Unreachable);
    stage.beat(hand, Vec::new()).await;
    assert_eq!(status().await, WorkerStatus::Draining);
}

pub(crate) async fn two_reapers_and_a_completion_race_to_one_end(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    for _ in 0..10 {
        stage.beat(hand, Vec::new()).await;
        let work = stage.run(request(), hand).await;
        stage.live(40).await;
        stage.pass(8_000).await;
        let reapers: Vec<_> = (0..2)
            .map(|_| {
                let (store, policy) = (stage.store.clone(), stage.policy);
                tokio::spawn(async move { store.reap(&policy).await.expect("reaped") })
            })
            .collect();
        let accepted = stage.complete(success(&work)).await == Answered::Accepted;
        let mut reaped = 0;
        for reaper in reapers {
            reaped += reaper.await.expect("joined").lost.len();
        }
        assert_eq!(reaped + usize::from(accepted), 1);
        let expected = if accepted { ExecutionStatus::Completed } else { ExecutionStatus::Abandoned };
        assert_eq!(stage.completed_messages().await, [(work.execution, expected)]);
    }
}
