//! Accepting requests and repeating them.

use attune_store::{NewExecution, RetryAnswer};
use attune_types::{ExecutionId, ExecutionStatus, Outcome};
use serde_json::json;

use crate::stage::{Stage, completion, object, request, success};

pub(crate) async fn what_is_submitted_reads_back(stage: &Stage) {
    let requests: Vec<NewExecution> = (0..3).map(|_| request()).collect();
    let submitted = stage.store.submit(requests).await.expect("submitted");
    assert!(submitted.is_sorted_by_key(|one| one.id) && submitted.iter().all(|one| !one.repeated));
    let execution = stage.execution(submitted[1].id).await;
    assert_eq!(execution.status, ExecutionStatus::Requested);
    assert_eq!(execution.action.to_string(), "core.echo");
    assert_eq!(execution.parameters, request().parameters);
    assert_eq!(execution.labels, request().labels);
    assert_eq!(execution.requested_by.as_deref(), Some("ann"));
    assert_eq!((execution.attempts, execution.outcome, execution.ended_at), (0, None, None));
    assert_eq!(stage.kinds(submitted[1].id).await, ["execution.requested"]);
    assert!(stage.store.execution(ExecutionId(987_654)).await.expect("read").is_none());
    assert!(stage.store.submit(Vec::new()).await.expect("nothing to do").is_empty());
}

pub(crate) async fn a_used_idempotency_key_answers_with_the_first_execution(stage: &Stage) {
    let keyed = |key: &str| NewExecution { idempotency_key: Some(key.to_owned()), ..request() };
    let first = stage.store.submit(vec![keyed("a"), request(), keyed("a"), keyed("b")]).await.expect("submitted");
    assert_eq!(first.iter().map(|one| one.repeated).collect::<Vec<_>>(), [false, false, true, false]);
    assert_eq!(first[0].id, first[2].id);
    let again = stage.store.submit(vec![keyed("b"), keyed("a")]).await.expect("submitted");
    assert_eq!((again[0].id, again[1].id), (first[3].id, first[0].id));
    assert!(again.iter().all(|one| one.repeated));
    assert_eq!(stage.number("SELECT count(*) FROM execution").await, 3);

    let racing = (0..20).map(|_| {
        let (store, request) = (stage.store.clone(), keyed("raced"));
        tokio::spawn(async move { store.submit(vec![request]).await.expect("submitted")[0] })
    });
    let mut ids = Vec::new();
    let mut fresh = 0;
    for task in racing.collect::<Vec<_>>() {
        let submitted = task.await.expect("joined");
        fresh += usize::from(!submitted.repeated);
        ids.push(submitted.id);
    }
    ids.dedup();
    assert_eq!((ids.len(), fresh), (1, 1));
}

pub(crate) async fn secret_parameters_are_masked_for_everybody_but_the_worker(stage: &Stage) {
    let mut secret = request();
    secret.spec.secret_parameters = vec!["password".into(), "absent".into()];
    secret.parameters = object(json!({"user": "ann", "password": {"deep": "s3cret"}}));
    let hand = stage.worker("w", 1).await;
    let work = stage.run(secret.clone(), hand).await;
    assert_eq!(work.parameters, secret.parameters);
    assert_eq!(work.spec, secret.spec);
    assert_eq!(work.trace, secret.trace);
    let shown = stage.execution(work.execution).await.parameters;
    assert_eq!(shown, object(json!({"user": "ann", "password": "***"})));
    let listed = stage.store.executions(&Default::default()).await.expect("listed");
    assert_eq!(listed.executions[0].parameters, shown);
}

pub(crate) async fn awkward_text_survives(stage: &Stage) {
    let mut awkward = request();
    awkward.parameters = object(json!({"nul": "a\u{0}b", "quote": "'; DROP TABLE execution; --", "wide": "žlutý 🐎"}));
    awkward.idempotency_key = Some("nul\u{0}key".into());
    awkward.requested_by = Some("nul\u{0}by".into());
    let hand = stage.worker("w", 1).await;
    let work = stage.run(awkward.clone(), hand).await;
    assert_eq!(work.parameters, awkward.parameters);
    let mut done = success(&work);
    done.result = Some(json!({"nul": "\u{0}", "big": 12_345_678_901_234_567_u64, "list": [1, null, "x"]}));
    let result = done.result.clone();
    assert_eq!(stage.complete(done).await, attune_store::Answered::Accepted);
    assert_eq!(stage.execution(work.execution).await.result, result);
    let again = stage.store.submit(vec![awkward]).await.expect("submitted");
    assert!(again[0].repeated && again[0].id == work.execution);
}

pub(crate) async fn a_retry_is_a_new_execution_that_names_the_old_one(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let work = stage.run(request(), hand).await;
    let id = work.execution;
    let unended = stage.store.retry(id, true, "bob").await.expect("answered");
    assert_eq!(unended, RetryAnswer::NotEnded(ExecutionStatus::Running));
    let _applied = stage.complete(completion(&work, Outcome::Exited { code: 2 })).await;
    let RetryAnswer::Submitted(new) = stage.store.retry(id, false, "bob").await.expect("answered") else {
        panic!("a failed execution may be repeated")
    };
    let execution = stage.execution(new).await;
    assert_eq!(execution.parameters, request().parameters);
    assert_eq!((execution.requested_by.as_deref(), execution.status), (Some("bob"), ExecutionStatus::Requested));
    assert_eq!(stage.number(&format!("SELECT retry_of FROM execution WHERE id = {new}")).await, id.0);
    let unknown = stage.store.retry(ExecutionId(987_654), true, "bob").await.expect("answered");
    assert_eq!(unknown, RetryAnswer::Unknown);
}

pub(crate) async fn an_unknown_outcome_is_repeated_only_when_it_may_run_twice(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let work = stage.run(request(), hand).await;
    let _applied = stage.complete(completion(&work, Outcome::Interrupted { by: "shutdown".into() })).await;
    assert_eq!(stage.status(work.execution).await, ExecutionStatus::Abandoned);
    let asked = stage.store.retry(work.execution, false, "bob").await.expect("answered");
    assert_eq!(asked, RetryAnswer::MayRunTwice);
    let forced = stage.store.retry(work.execution, true, "bob").await.expect("answered");
    assert!(matches!(forced, RetryAnswer::Submitted(_)));

    let mut idempotent = request();
    idempotent.spec.idempotent = true;
    let work = stage.run(idempotent, hand).await;
    let _applied = stage.complete(completion(&work, Outcome::Interrupted { by: "shutdown".into() })).await;
    let asked = stage.store.retry(work.execution, false, "bob").await.expect("answered");
    assert!(matches!(asked, RetryAnswer::Submitted(_)));
}
