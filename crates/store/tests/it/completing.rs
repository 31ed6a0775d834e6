//! Ends: fenced, once, and followed by what the policy says.

use attune_store::{Answered, Completion};
use attune_types::{
    AttemptState, Evidence, ExecutionStatus, GapEvidence, LimitEvidence, LogChunk, LogStream, Outcome, OutputEvidence,
    Resources, RetryCause, SandboxEvidence, SurvivorEvidence, Timestamp,
};
use serde_json::json;

use crate::stage::{Stage, completion, request, retried, success, wrong_token};

/// Something in every field.
fn evidence() -> Evidence {
    Evidence {
        environment_ms: Some(12),
        start_ms: Some(1),
        pid: Some(77),
        started_at: Some(Timestamp(5_000)),
        sandbox: Some(SandboxEvidence { level: 2, missing: vec!["seccomp: no".into()], kill_way: None }),
        limits: vec![LimitEvidence { limit: "memory".into(), asked: 1 << 26, by: "cgroup".into(), why: None }],
        output: Some(OutputEvidence {
            stdout_bytes: 9,
            stderr_bytes: 3,
            gaps: vec![GapEvidence { stream: LogStream::Stdout, from: 2, to: 5 }],
            closed_early: true,
        }),
        survivors: vec![SurvivorEvidence { pid: 78, name: "sleep".into() }],
        more_survivors: 1,
        artifacts: 2,
        ..Evidence::default()
    }
}

pub(crate) async fn evidence_is_kept_whichever_way_an_attempt_ends(stage: &Stage) {
    let hand = stage.worker("w", 2).await;
    // A policy makes the stores decide one by one instead of in bulk.
    let plain = stage.run(request(), hand).await;
    let retried = stage.run(retried(&[RetryCause::Interrupted], true), hand).await;
    for work in [plain, retried] {
        let failed = Completion { evidence: Some(evidence()), ..completion(&work, Outcome::Exited { code: 3 }) };
        assert_eq!(stage.complete(failed).await, Answered::Accepted);
        let attempt = stage.store.attempts(work.execution).await.expect("attempts").remove(0);
        assert_eq!((attempt.state, attempt.evidence), (AttemptState::Failed, Some(evidence())));
    }
}

pub(crate) async fn a_completion_stores_everything_at_once(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let work = stage.run(request(), hand).await;
    let resources =
        Resources { wall_ms: 5, user_ms: 3, system_ms: 1, peak_rss_bytes: 4096, peak_memory_bytes: Some(8192) };
    let log = LogChunk {
        execution: work.execution,
        attempt: work.attempt,
        sequence: 0,
        stream: LogStream::Stderr,
        offset: 0,
        at: Timestamp(7),
        bytes: vec![0, 255, b'\n'],
    };
    let seen = evidence();
    let done = Completion {
        result: Some(json!({"answer": 42})),
        resources: Some(resources),
        evidence: Some(seen.clone()),
        logs: vec![log.clone()],
        ..success(&work)
    };
    assert_eq!(stage.complete(done).await, Answered::Accepted);
    let execution = stage.execution(work.execution).await;
    assert_eq!(execution.status, ExecutionStatus::Completed);
    assert_eq!(execution.result, Some(json!({"answer": 42})));
    assert_eq!(execution.outcome, Some(Outcome::Exited { code: 0 }));
    assert!(execution.ended_at >= execution.started_at && execution.started_at >= Some(execution.requested_at));
    let attempt = stage.store.attempts(work.execution).await.expect("attempts").remove(0);
    assert_eq!((attempt.state, attempt.resources), (AttemptState::Succeeded, Some(resources)));
    assert_eq!(attempt.evidence, Some(seen));
    assert!(attempt.claimed_at >= Some(attempt.assigned_at) && attempt.started_at >= attempt.claimed_at);
    assert_eq!((attempt.lease_ends_at, attempt.late_outcome), (None, None));
    let logs = stage.store.logs(work.execution, 0, 10).await.expect("logs");
    assert_eq!(logs.into_iter().map(|(_, chunk)| chunk).collect::<Vec<_>>(), [log]);
    assert_eq!(stage.completed_messages().await, [(work.execution, ExecutionStatus::Completed)]);
    let kinds = stage.kinds(work.execution).await;
    assert_eq!(kinds, ["execution.requested", "execution.scheduled", "execution.running", "execution.completed"]);
    assert_eq!(stage.store.workers().await.expect("workers")[0].slots_used, 0);
}

pub(crate) async fn of_fifty_concurrent_completions_one_is_accepted(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let work = stage.run(request(), hand).await;
    let racing: Vec<_> = (0..50)
        .map(|number: i32| {
            let store = stage.store.clone();
            // Successes and failures take different ways; both race.
            let mut one = completion(&work, Outcome::Exited { code: number % 2 });
            one.result = Some(json!(number));
            tokio::spawn(async move { (number, store.complete(vec![one.clone(), one]).await.expect("answered")) })
        })
        .collect();
    let mut accepted = Vec::new();
    for task in racing {
        let (number, answers) = task.await.expect("joined");
        let count = answers.iter().filter(|answer| **answer == Answered::Accepted).count();
        accepted.extend(std::iter::repeat_n(number, count));
    }
    assert_eq!(accepted.len(), 1);
    assert_eq!(stage.execution(work.execution).await.result, Some(json!(accepted[0])));
    assert_eq!(stage.completed_messages().await.len(), 1);
    let ends = stage.kinds(work.execution).await;
    let ends = ends.iter().filter(|kind| ["execution.completed", "execution.failed"].contains(&kind.as_str()));
    assert_eq!(ends.count(), 1);
}

pub(crate) async fn a_wrong_token_or_attempt_is_refused_and_leaves_no_trace(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let work = stage.run(request(), hand).await;
    let forged = Completion { token: wrong_token(), ..success(&work) };
    assert_eq!(stage.complete(forged).await, Answered::Refused);
    let other_attempt = Completion { attempt: work.attempt.next(), ..success(&work) };
    assert_eq!(stage.complete(other_attempt).await, Answered::Refused);
    assert_eq!(stage.status(work.execution).await, ExecutionStatus::Running);
    assert!(stage.completed_messages().await.is_empty());
    assert_eq!(stage.complete(success(&work)).await, Answered::Accepted);
}

pub(crate) async fn a_batch_of_every_kind_answers_in_order(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let mut works = Vec::new();
    for request in [request(), request(), retried(&[RetryCause::Failed], false), request()] {
        works.push(stage.run(request, hand).await);
    }
    let forged = Completion { token: wrong_token(), ..success(&works[3]) };
    let failure = Outcome::Exited { code: 1 };
    let batch = vec![
        completion(&works[2], failure.clone()),
        forged,
        completion(&works[1], failure.clone()),
        success(&works[0]),
        success(&works[0]),
    ];
    let answers = stage.store.complete(batch).await.expect("answered");
    let accepted = answers.iter().filter(|answer| **answer == Answered::Accepted).count();
    assert_eq!(
        (answers[0], answers[1], answers[2], accepted),
        (Answered::Accepted, Answered::Refused, Answered::Accepted, 3)
    );
    let mut statuses = Vec::new();
    for work in &works {
        statuses.push(stage.status(work.execution).await);
    }
    use ExecutionStatus::{Completed, Failed, Retrying, Running};
    assert_eq!(statuses, [Completed, Failed, Retrying, Running]);
    let mut messages = stage.completed_messages().await;
    messages.sort_unstable();
    assert_eq!(messages, [(works[0].execution, Completed), (works[1].execution, Failed)]);
}

pub(crate) async fn a_retry_policy_is_followed_until_its_attempts_are_used_up(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let id = stage.submit(retried(&[RetryCause::Failed], false)).await;
    for attempt in 1..=3 {
        let work = stage.run_again(id, hand).await;
        assert_eq!(work.attempt.0, attempt);
        assert_eq!(stage.complete(completion(&work, Outcome::Exited { code: 1 })).await, Answered::Accepted);
        if attempt < 3 {
            let execution = stage.execution(id).await;
            assert_eq!(execution.status, ExecutionStatus::Retrying);
            assert!(execution.retry_at.is_some() && execution.outcome.is_none());
            assert!(stage.assign(id, hand).await.is_none(), "the pause is not over");
            assert!(stage.store.placement_view(10, &[]).await.expect("view").waiting.is_empty());
            stage.pass(301_000).await;
            assert_eq!(stage.store.placement_view(10, &[]).await.expect("view").waiting.len(), 1);
        }
    }
    let execution = stage.execution(id).await;
    assert_eq!((execution.status, execution.attempts), (ExecutionStatus::Failed, 3));
    assert_eq!(stage.completed_messages().await, [(id, ExecutionStatus::Failed)]);
    let kinds = stage.kinds(id).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "attempt.failed").count(), 3);
    assert_eq!(kinds.iter().filter(|kind| *kind == "execution.retrying").count(), 2);
}

pub(crate) async fn a_late_word_is_kept_aside_and_changes_nothing(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let work = stage.run(request(), hand).await;
    let again = attune_store::Registration { previous_is_dead: true, ..crate::stage::registration("w", 2) };
    let registered = stage.store.register_worker(&again).await.expect("registered");
    assert_eq!(registered.settled, [(work.execution, work.attempt)]);
    assert_eq!(stage.status(work.execution).await, ExecutionStatus::Abandoned);
    assert_eq!(stage.complete(success(&work)).await, Answered::Refused);
    let forged = Completion { token: wrong_token(), ..completion(&work, Outcome::Exited { code: 9 }) };
    assert_eq!(stage.complete(forged).await, Answered::Refused);
    let attempt = stage.store.attempts(work.execution).await.expect("attempts").remove(0);
    assert_eq!((attempt.state, attempt.late_outcome), (AttemptState::Lost, Some(Outcome::Exited { code: 0 })));
    let execution = stage.execution(work.execution).await;
    assert_eq!(execution.status, ExecutionStatus::Abandoned);
    assert!(matches!(execution.outcome, Some(Outcome::WorkerLost { last_seen: Some(_) })));
    assert_eq!(stage.completed_messages().await, [(work.execution, ExecutionStatus::Abandoned)]);
}

pub(crate) async fn an_answer_that_got_lost_is_offered_again_and_refused_without_a_late_word(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let work = stage.run(request(), hand).await;
    assert_eq!(stage.complete(success(&work)).await, Answered::Accepted);
    assert_eq!(stage.complete(success(&work)).await, Answered::Refused);
    let attempt = stage.store.attempts(work.execution).await.expect("attempts").remove(0);
    assert_eq!((attempt.state, attempt.late_outcome), (AttemptState::Succeeded, None));
}
