//! The queue, and schedulers that share it without a leader.

use std::collections::{BTreeMap, HashMap};

use attune_store::{Assignment, NewExecution};
use attune_types::{AttemptState, ExecutionId, ExecutionStatus, Incarnation, Payload, WorkerId, WorkerStatus};

use crate::stage::{Hand, Stage, request, spec};

async fn many(stage: &Stage, count: usize) -> Vec<ExecutionId> {
    let requests: Vec<NewExecution> = (0..count).map(|_| request()).collect();
    stage.store.submit(requests).await.expect("submitted").into_iter().map(|one| one.id).collect()
}

fn assignment(execution: ExecutionId, hand: Hand, most_live: u32) -> Assignment {
    Assignment { execution, worker: hand.id, incarnation: hand.incarnation, most_live }
}

pub(crate) async fn an_assignment_answers_with_its_message(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let id = stage.submit(request()).await;
    let assigned = stage.assign(id, hand).await.expect("assigned");
    assert_eq!((assigned.execution, assigned.attempt.0, assigned.worker), (id, 1, hand.id));
    let envelope = &assigned.message.envelope;
    assert_eq!(envelope.trace, request().trace);
    let expected =
        Payload::Scheduled { execution: id, attempt: assigned.attempt, worker: hand.id, incarnation: hand.incarnation };
    assert_eq!(envelope.payload, expected);
    assert_eq!(stage.status(id).await, ExecutionStatus::Scheduled);
    assert!(stage.assign(id, hand).await.is_none(), "it waits no more");

    // The caller holds the message; when it dies, somebody else gets the very same one.
    assert!(stage.store.take_outbox(10, 5_000).await.expect("taken").is_empty());
    stage.pass(5_001).await;
    let taken = stage.store.take_outbox(10, 5_000).await.expect("taken");
    assert_eq!(taken, std::slice::from_ref(&assigned.message));
    assert!(stage.store.take_outbox(10, 5_000).await.expect("taken").is_empty());
    stage.store.delete_outbox(&[assigned.message.id]).await.expect("deleted");
    stage.pass(5_001).await;
    assert!(stage.store.take_outbox(10, 5_000).await.expect("taken").is_empty());
}

pub(crate) async fn only_the_living_active_worker_gets_work_and_never_too_much(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let ids = many(stage, 6).await;
    let stale = Hand { incarnation: Incarnation([9; 16]), ..hand };
    let nobody = Hand { id: WorkerId(987_654), ..hand };
    let wishes = vec![
        assignment(ids[0], stale, 10),
        assignment(ids[1], nobody, 10),
        assignment(ids[2], hand, 2),
        assignment(ExecutionId(987_654), hand, 2),
        assignment(ids[3], hand, 2),
        assignment(ids[4], hand, 2),
    ];
    let assigned = stage.store.assign(wishes, &stage.policy).await.expect("assigned");
    assert_eq!(assigned.iter().map(|one| one.execution).collect::<Vec<_>>(), [ids[2], ids[3]]);
    assert!(stage.store.assign(vec![assignment(ids[5], hand, 2)], &stage.policy).await.expect("assigned").is_empty());
    assert!(stage.store.set_worker_status("w", WorkerStatus::Draining).await.expect("set"));
    assert!(stage.store.assign(vec![assignment(ids[5], hand, 9)], &stage.policy).await.expect("assigned").is_empty());
    assert!(stage.store.set_worker_status("w", WorkerStatus::Active).await.expect("set"));
    assert_eq!(stage.store.assign(vec![assignment(ids[5], hand, 9)], &stage.policy).await.expect("assigned").len(), 1);
    assert!(!stage.store.set_worker_status("nobody", WorkerStatus::Active).await.expect("answered"));
}

pub(crate) async fn ten_schedulers_never_assign_twice_nor_overfill_a_worker(stage: &Stage) {
    const MOST: u32 = 7;
    let mut hands = Vec::new();
    for number in 0..3 {
        hands.push(stage.worker(&format!("w{number}"), number + 1).await);
    }
    let ids = many(stage, 60).await;
    let stores = match stage.opened_again().await {
        Some(other) => vec![stage.store.clone(), other],
        None => vec![stage.store.clone()],
    };
    let schedulers: Vec<_> = (0..10)
        .map(|number: usize| {
            let (store, hands, policy) = (stores[number % stores.len()].clone(), hands.clone(), stage.policy);
            let mut ids = ids.clone();
            // Each goes through the queue in an order of its own, and spreads it over the workers in its own way.
            ids.rotate_left(number * 6);
            if number % 2 == 1 {
                ids.reverse();
            }
            tokio::spawn(async move {
                let mut made = Vec::new();
                for chunk in ids.chunks(9) {
                    let wishes = chunk
                        .iter()
                        .enumerate()
                        .map(|(place, id)| assignment(*id, hands[(place + number) % hands.len()], MOST))
                        .collect();
                    made.extend(store.assign(wishes, &policy).await.expect("assigned"));
                }
                made
            })
        })
        .collect();
    let mut per_execution: HashMap<ExecutionId, u32> = HashMap::new();
    let mut per_worker: HashMap<WorkerId, u32> = HashMap::new();
    for scheduler in schedulers {
        for one in scheduler.await.expect("joined") {
            *per_execution.entry(one.execution).or_default() += 1;
            *per_worker.entry(one.worker).or_default() += 1;
        }
    }
    assert!(per_execution.values().all(|count| *count == 1), "{per_execution:?}");
    assert_eq!(per_worker.len(), 3);
    assert!(per_worker.values().all(|count| *count == MOST), "{per_worker:?}");
    for worker in stage.store.workers().await.expect("workers") {
        assert_eq!(worker.slots_used, MOST);
    }
    for store in &stores[1..] {
        store.close().await;
    }
}

pub(crate) async fn the_view_shows_what_waits_oldest_first_and_who_is_there(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let gone = stage.worker("gone", 2).await;
    stage.store.deregister_worker(gone.id, gone.incarnation).await.expect("deregistered");
    let shell = many(stage, 3).await;
    let ruby = stage.submit(NewExecution { spec: spec("ruby"), ..request() }).await;
    let last = stage.submit(request()).await;
    let view = stage.store.placement_view(100, &[]).await.expect("view");
    let waiting: Vec<ExecutionId> = view.waiting.iter().map(|one| one.execution).collect();
    assert_eq!(waiting, [shell[0], shell[1], shell[2], ruby, last]);
    assert_eq!(view.waiting[3].requirement.runtime, "ruby");
    assert_eq!(view.waiting[3].requirement_key, view.waiting[3].requirement.key());
    let skip = vec![view.waiting[0].requirement_key.clone()];
    let rest = stage.store.placement_view(100, &skip).await.expect("view").waiting;
    assert_eq!(rest.iter().map(|one| one.execution).collect::<Vec<_>>(), [ruby]);
    assert_eq!(stage.store.placement_view(2, &[]).await.expect("view").waiting.len(), 2);

    let depths = stage.store.queue_depths().await.expect("depths");
    let counted: Vec<(&str, u64)> =
        depths.iter().map(|depth| (depth.requirement.runtime.as_str(), depth.waiting)).collect();
    assert_eq!(counted, [("ruby", 1), ("shell", 4)]);
    assert!(depths.iter().all(|depth| depth.oldest_micros >= 0), "{depths:?}");

    stage.assign(shell[0], hand).await.expect("assigned");
    stage.assign(shell[1], hand).await.expect("assigned");
    stage.claim(shell[0], 1, hand, false).await.expect("claimed");
    let view = stage.store.placement_view(100, &[]).await.expect("view");
    assert_eq!(view.waiting.len(), 3);
    assert_eq!(view.workers.len(), 1, "who has left is not shown");
    let worker = &view.workers[0];
    assert_eq!((worker.worker, worker.name.as_str(), worker.incarnation), (hand.id, "w", hand.incarnation));
    assert_eq!((worker.live, worker.unclaimed, worker.status), (2, 1, WorkerStatus::Active));
    assert_eq!(worker.capabilities.runtimes, ["shell", "python"]);
}

pub(crate) async fn what_is_taken_back_is_the_newest_unclaimed_and_waits_again(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let ids = many(stage, 4).await;
    for id in &ids {
        stage.assign(*id, hand).await.expect("assigned");
        stage.pass(10).await;
    }
    stage.claim(ids[3], 1, hand, false).await.expect("claimed");
    let mut taken = stage.store.take_back(hand.id, 2).await.expect("taken back");
    taken.sort_unstable();
    assert_eq!(taken, [ids[1], ids[2]]);
    assert_eq!(stage.status(ids[1]).await, ExecutionStatus::Requested);
    assert!(stage.claim(ids[1], 1, hand, false).await.is_none(), "superseded");
    assert_eq!(stage.store.attempts(ids[1]).await.expect("attempts")[0].state, AttemptState::Superseded);
    let left = stage.store.take_back(hand.id, 10).await.expect("taken back");
    assert_eq!(left, [ids[0]]);
    let work = stage.run_again(ids[1], hand).await;
    assert_eq!(work.attempt.0, 2);
    // Being taken away is nobody's fault: it counts for nothing.
    assert_eq!(stage.number("SELECT max(unstarted) FROM execution").await, 0);
}

pub(crate) async fn the_outbox_gives_each_message_to_one_relay(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    for _ in 0..30 {
        let work = stage.run(request(), hand).await;
        let _applied = stage.complete(crate::stage::success(&work)).await;
    }
    let relays: Vec<_> = (0..6)
        .map(|_| {
            let store = stage.store.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let taken = store.take_outbox(4, 60_000).await.expect("taken");
                    if taken.is_empty() {
                        return mine;
                    }
                    assert!(taken.is_sorted_by_key(|message| message.id));
                    mine.extend(taken.into_iter().map(|message| message.envelope.message_id));
                }
            })
        })
        .collect();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for relay in relays {
        for message in relay.await.expect("joined") {
            *seen.entry(message).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), 30);
    assert!(seen.values().all(|count| *count == 1), "{seen:?}");
}
