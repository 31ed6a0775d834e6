//! Artifacts, and what is removed when it has been kept long enough.

use attune_store::{Answered, Retained, RetentionPolicy};
use attune_types::{Artifact, AttemptNumber, ExecutionId, ExecutionStatus, LogChunk, LogStream, Timestamp};

use crate::stage::{Hand, Stage, request, success};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn artifact(execution: ExecutionId, path: &str, worker: &str, location: &str) -> Artifact {
    Artifact {
        execution,
        attempt: AttemptNumber(1),
        path: path.to_owned(),
        size_bytes: 7,
        sha256: "ab".repeat(32),
        worker: worker.to_owned(),
        location: location.to_owned(),
        stored_at: Timestamp(0),
    }
}

fn paths(artifacts: &[Artifact]) -> Vec<&str> {
    artifacts.iter().map(|artifact| artifact.path.as_str()).collect()
}

/// An execution that has ended, with a log and an artifact.
async fn ended(stage: &Stage, hand: Hand) -> ExecutionId {
    let work = stage.run(request(), hand).await;
    let mut completion = success(&work);
    completion.logs = vec![LogChunk {
        execution: work.execution,
        attempt: work.attempt,
        sequence: 0,
        stream: LogStream::Stdout,
        offset: 0,
        at: Timestamp(1),
        bytes: b"hello".to_vec(),
    }];
    stage.store.put_artifacts(vec![artifact(work.execution, "a", "w", "file:a")]).await.expect("noted");
    assert_eq!(stage.complete(completion).await, Answered::Accepted);
    work.execution
}

/// One pass over everything.
async fn pass(stage: &Stage, policy: &RetentionPolicy) -> Retained {
    let (mut all, mut after) = (Retained::default(), ExecutionId(0));
    loop {
        let step = stage.store.retain(policy, after).await.expect("retained");
        all.logs += step.logs;
        all.artifacts += step.artifacts;
        all.executions += step.executions;
        match step.next {
            Some(next) => after = next,
            None => return all,
        }
    }
}

pub(crate) async fn artifacts_are_noted_once_and_listed_by_name(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let id = stage.run(request(), hand).await.execution;
    let other = stage.run(request(), hand).await.execution;
    let noted = vec![
        artifact(id, "b/\u{e4}.txt", "w", "file:1"),
        artifact(id, "a", "w", "s3://bucket/1/a"),
        artifact(other, "x", "v", "file:2"),
    ];
    stage.store.put_artifacts(noted.clone()).await.expect("noted");
    let mut again = artifact(id, "a", "w", "s3://bucket/1/a");
    again.size_bytes = 9;
    stage.store.put_artifacts(vec![again.clone()]).await.expect("noted again");
    let found = stage.store.artifacts(id).await.expect("listed");
    assert_eq!(paths(&found), ["a", "b/\u{e4}.txt"]);
    assert!(found[0].stored_at > Timestamp(0));
    again.stored_at = found[0].stored_at;
    assert_eq!(found[0], again);
    let mut wrong = artifact(id, "c", "w", "");
    wrong.sha256 = "no hash".to_owned();
    assert!(!stage.store.put_artifacts(vec![wrong]).await.expect_err("refused").is_passing());
    assert_eq!(stage.store.artifacts(id).await.expect("listed").len(), 2);
}

pub(crate) async fn what_is_old_goes_step_by_step_and_what_lives_stays(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let mut old = Vec::new();
    for _ in 0..5 {
        old.push(ended(stage, hand).await);
    }
    let running = stage.run(request(), hand).await.execution;
    let waiting = stage.submit(request()).await;
    let policy = RetentionPolicy {
        logs_ms: Some(DAY_MS),
        artifacts_ms: Some(2 * DAY_MS),
        executions_ms: Some(3 * DAY_MS),
        abandon_ms: DAY_MS,
        batch: 2,
    };
    let count = async |table: &str| stage.number(&format!("SELECT count(*) FROM {table}")).await;
    assert_eq!(pass(stage, &policy).await, Retained::default());

    stage.pass(DAY_MS + 1000).await;
    let young = ended(stage, hand).await;
    assert_eq!(pass(stage, &policy).await, Retained { logs: 5, ..Retained::default() });
    assert_eq!(stage.store.logs(young, 0, 10).await.expect("logs").len(), 1);
    assert!(stage.store.logs(old[0], 0, 10).await.expect("logs").is_empty());

    stage.pass(DAY_MS).await;
    let step = pass(stage, &policy).await;
    assert_eq!((step.artifacts, step.executions), (5, 0));
    assert!(stage.store.artifacts(old[0]).await.expect("listed").is_empty(), "its time is up");
    assert_eq!(stage.store.artifacts(young).await.expect("listed").len(), 1);

    // The files of the first are removed by whoever keeps them; nobody ever comes for the others.
    let expired = stage.store.expired_artifacts("w", "", 100).await.expect("listed");
    assert_eq!(expired.len(), 5);
    assert!(stage.store.expired_artifacts("v", "s3://", 100).await.expect("listed").is_empty());
    assert_eq!(stage.store.expired_artifacts("v", "file:", 2).await.expect("listed").len(), 2);
    let gone = expired.into_iter().filter(|artifact| artifact.execution == old[0]).collect();
    stage.store.forget_artifacts(gone).await.expect("forgotten");
    let living = stage.store.artifacts(young).await.expect("listed");
    stage.store.forget_artifacts(living).await.expect("nothing to forget");
    assert_eq!(stage.store.artifacts(young).await.expect("listed").len(), 1);

    stage.pass(DAY_MS - 500).await;
    assert_eq!(pass(stage, &policy).await.executions, 1, "the others wait for their files");
    assert!(stage.store.execution(old[0]).await.expect("read").is_none());
    assert!(stage.kinds(old[0]).await.is_empty());
    stage.pass(1000).await;
    assert_eq!(pass(stage, &policy).await.executions, 4, "nobody came for their files");
    assert_eq!((count("execution").await, count("execution_request").await), (3, 3));
    assert_eq!(stage.status(running).await, ExecutionStatus::Running);
    assert_eq!(stage.status(waiting).await, ExecutionStatus::Requested);
    assert_eq!(stage.status(young).await, ExecutionStatus::Completed);

    let for_ever = RetentionPolicy { logs_ms: None, artifacts_ms: None, executions_ms: None, ..policy };
    stage.pass(1000 * DAY_MS).await;
    assert_eq!(pass(stage, &for_ever).await, Retained::default());
}
