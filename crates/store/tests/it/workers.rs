//! Workers that come, beat, are replaced and leave.

use attune_store::{Answered, Beat, Registration};
use attune_types::{AttemptState, ExecutionStatus, Incarnation, RetryCause, WorkerStatus};

use crate::stage::{Hand, Stage, registration, request, retried, success};

fn beat(hand: Hand) -> Beat {
    Beat { worker: hand.id, incarnation: hand.incarnation, holding: Vec::new(), lease_ms: 45_000, refuses_work: false }
}

pub(crate) async fn a_name_keeps_its_id_and_the_newest_registration_owns_it(stage: &Stage) {
    let first = stage.store.register_worker(&registration("w", 1)).await.expect("registered");
    assert_eq!((first.replaced, first.settled.len()), (None, 0));
    let same = stage.store.register_worker(&registration("w", 1)).await.expect("registered");
    assert_eq!((same.id, same.replaced), (first.id, None));
    let second = stage.store.register_worker(&registration("w", 2)).await.expect("registered");
    assert_eq!((second.id, second.replaced), (first.id, Some(Incarnation([1; 16]))));
    let other = stage.store.register_worker(&registration("v", 3)).await.expect("registered");
    assert_ne!(other.id, first.id);
    let workers = stage.store.workers().await.expect("workers");
    assert_eq!(workers.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["v", "w"]);
    assert_eq!(workers[1].capabilities, registration("w", 2).capabilities);
    assert_eq!((workers[1].incarnation, workers[1].status), (Incarnation([2; 16]), WorkerStatus::Active));
    assert_eq!(stage.number("SELECT count(*) FROM runtime_version").await, 2);
    let old = Hand { id: first.id, incarnation: Incarnation([1; 16]) };
    assert!(stage.store.beat(&beat(old)).await.expect("beaten").replaced);
    let new = Hand { id: first.id, incarnation: Incarnation([2; 16]) };
    assert!(!stage.store.beat(&beat(new)).await.expect("beaten").replaced);
}

pub(crate) async fn who_registers_too_much_is_refused(stage: &Stage) {
    let refused = async |change: fn(&mut Registration)| {
        let mut announced = registration("w", 1);
        change(&mut announced);
        let error = stage.store.register_worker(&announced).await.expect_err("refused");
        assert!(!error.is_passing(), "no patience helps: {error}");
    };
    let many = |one: &mut Registration| {
        one.capabilities.runtimes = (0..100_000).map(|number| format!("runtime-{number}")).collect();
    };
    refused(many).await;
    refused(|one| one.name = "x".repeat(201)).await;
    refused(|one| one.name = String::new()).await;
    refused(|one| one.name = "w\u{1b}[2J".to_owned()).await;
    refused(|one| one.host = "x".repeat(256)).await;
    assert_eq!(stage.store.workers().await.expect("workers").len(), 0);
    // And a worker that is known cannot become too large.
    stage.store.register_worker(&registration("w", 1)).await.expect("registered");
    refused(many).await;
    // What is meant for a database is text to it.
    let quoted = "w'; DROP TABLE worker; --";
    stage.store.register_worker(&registration(quoted, 2)).await.expect("registered");
    let workers = stage.store.workers().await.expect("workers");
    assert!(workers.iter().any(|one| one.name == quoted));
}

pub(crate) async fn evidence_settles_what_an_earlier_life_left(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let running = stage.run(request(), hand).await;
    let again = stage.run(retried(&[RetryCause::Lost], true), hand).await;
    let (assigned, claimed) = (stage.submit(request()).await, stage.submit(request()).await);
    stage.assign(assigned, hand).await.expect("assigned");
    stage.assign(claimed, hand).await.expect("assigned");
    stage.claim(claimed, 1, hand, true).await.expect("granted");
    let dead = Registration { previous_is_dead: true, ..registration("w", 2) };
    let registered = stage.store.register_worker(&dead).await.expect("registered");
    assert_eq!(registered.settled.len(), 4);
    assert_eq!(stage.status(running.execution).await, ExecutionStatus::Abandoned);
    assert_eq!(stage.status(again.execution).await, ExecutionStatus::Retrying);
    assert_eq!(stage.status(assigned).await, ExecutionStatus::Requested);
    assert_eq!(stage.status(claimed).await, ExecutionStatus::Requested);
    assert!(stage.claim(assigned, 1, hand, false).await.is_none());
    assert_eq!(stage.store.workers().await.expect("workers")[0].slots_used, 0);
    assert_eq!(stage.completed_messages().await, [(running.execution, ExecutionStatus::Abandoned)]);
}

pub(crate) async fn without_evidence_what_runs_is_left_to_its_lease(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let running = stage.run(request(), hand).await;
    let assigned = stage.submit(request()).await;
    stage.assign(assigned, hand).await.expect("assigned");
    let registered = stage.store.register_worker(&registration("w", 2)).await.expect("registered");
    // What was never claimed never can be now, so it goes back at once.
    assert_eq!(registered.settled.len(), 1);
    assert_eq!(stage.status(assigned).await, ExecutionStatus::Requested);
    assert_eq!(stage.status(running.execution).await, ExecutionStatus::Running);
    assert_eq!(stage.complete(success(&running)).await, Answered::Accepted, "its token still holds");
}

pub(crate) async fn a_beat_tells_what_the_worker_must_know(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let running = stage.run(request(), hand).await;
    let ended = stage.run(request(), hand).await;
    assert_eq!(stage.complete(success(&ended)).await, Answered::Accepted);
    let assigned = stage.submit(request()).await;
    let attempt = stage.assign(assigned, hand).await.expect("assigned").attempt;
    let holding = vec![(running.execution, running.attempt), (ended.execution, ended.attempt)];
    let reply = stage.store.beat(&Beat { holding, ..beat(hand) }).await.expect("beaten");
    assert!(!reply.replaced && !reply.drain && reply.cancels.is_empty());
    assert_eq!(reply.superseded, [(ended.execution, ended.attempt)]);
    assert_eq!(reply.assigned, [(assigned, attempt)]);
    stage.store.set_worker_status("w", WorkerStatus::Draining).await.expect("set");
    assert!(stage.store.beat(&beat(hand)).await.expect("beaten").drain);
    let nobody = Hand { id: attune_types::WorkerId(987_654), ..hand };
    assert!(stage.store.beat(&beat(nobody)).await.expect("beaten").replaced);
}

pub(crate) async fn who_leaves_gives_back_what_it_has_not_claimed(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let running = stage.run(request(), hand).await;
    let assigned = stage.submit(request()).await;
    stage.assign(assigned, hand).await.expect("assigned");
    stage.store.deregister_worker(hand.id, Incarnation([9; 16])).await.expect("ignored");
    assert_eq!(stage.status(assigned).await, ExecutionStatus::Scheduled);
    stage.store.deregister_worker(hand.id, hand.incarnation).await.expect("deregistered");
    assert_eq!(stage.status(assigned).await, ExecutionStatus::Requested);
    assert_eq!(stage.store.attempts(assigned).await.expect("attempts")[0].state, AttemptState::Superseded);
    assert_eq!(stage.status(running.execution).await, ExecutionStatus::Running);
    assert_eq!(stage.store.workers().await.expect("workers")[0].status, WorkerStatus::Inactive);
    assert!(stage.assign(assigned, hand).await.is_none());
    let back = stage.worker("w", 2).await;
    assert_eq!(back.id, hand.id);
    assert!(stage.assign(assigned, back).await.is_some());
}

pub(crate) async fn beats_and_completions_do_not_wait_for_each_other(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let mut works = Vec::new();
    for _ in 0..40 {
        works.push(stage.run(request(), hand).await);
    }
    let holding: Vec<_> = works.iter().map(|work| (work.execution, work.attempt)).collect();
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let (store, beat) = (stage.store.clone(), Beat { holding: holding.clone(), ..beat(hand) });
        tasks.push(tokio::spawn(async move {
            for _ in 0..5 {
                store.beat(&beat).await.expect("beaten");
            }
        }));
    }
    for (number, chunk) in works.chunks(10).enumerate() {
        let store = stage.store.clone();
        let mut completions: Vec<_> = chunk.iter().map(success).collect();
        if number % 2 == 0 {
            completions.reverse();
        }
        tasks.push(tokio::spawn(async move {
            let answers = store.complete(completions).await.expect("completed");
            assert!(answers.iter().all(|answer| *answer == Answered::Accepted));
        }));
    }
    for task in tasks {
        task.await.expect("joined");
    }
    assert_eq!(stage.completed_messages().await.len(), 40);
}

pub(crate) async fn a_worker_that_can_take_no_work_gets_none_until_it_can(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let id = stage.submit(request()).await;
    stage.store.beat(&Beat { refuses_work: true, ..beat(hand) }).await.expect("beaten");
    assert!(stage.assign(id, hand).await.is_none());
    let reply = stage.store.beat(&beat(hand)).await.expect("beaten");
    assert!(!reply.drain, "nobody asked it to drain");
    assert!(stage.assign(id, hand).await.is_some());
}
