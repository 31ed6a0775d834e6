//! Hints, from this process and from others.

use std::collections::HashSet;

use attune_store::Wake;
use attune_types::ExecutionId;
use tokio::sync::broadcast::Receiver;

use crate::stage::{PATIENCE, Stage, request, success};

async fn hear(receiver: &mut Receiver<Wake>, wanted: &[Wake]) {
    let mut missing: Vec<Wake> = wanted.to_vec();
    let hearing = async {
        while !missing.is_empty() {
            if let Ok(wake) = receiver.recv().await {
                missing.retain(|one| *one != wake);
            }
        }
    };
    tokio::time::timeout(PATIENCE, hearing).await.expect("every wake arrives");
}

pub(crate) async fn commits_wake_whoever_waits_in_this_process(stage: &Stage) {
    let mut wakes = stage.store.wakes();
    let hand = stage.worker("w", 1).await;
    hear(&mut wakes, &[Wake::Schedule]).await;
    let id = stage.submit(request()).await;
    hear(&mut wakes, &[Wake::Schedule, Wake::Execution(Some(id))]).await;
    let work = stage.run_again(id, hand).await;
    hear(&mut wakes, &[Wake::Execution(Some(id))]).await;
    let _applied = stage.complete(success(&work)).await;
    hear(&mut wakes, &[Wake::Schedule, Wake::Outbox, Wake::Execution(Some(id))]).await;
}

pub(crate) async fn commits_of_other_processes_wake_too_where_the_database_can(stage: &Stage) {
    if stage.store.kind() != "postgres" {
        return;
    }
    let other = stage.opened_again().await.expect("a server");
    let mut wakes = other.wakes();
    // What follows the listener's own start is certain to be heard.
    hear(&mut wakes, &[Wake::Schedule, Wake::Outbox, Wake::Execution(None)]).await;
    let hand = stage.worker("w", 1).await;
    hear(&mut wakes, &[Wake::Schedule]).await;
    let many = stage.store.submit(vec![request(); 100]).await.expect("submitted");
    hear(&mut wakes, &[Wake::Schedule]).await;
    let work = stage.run_again(many[0].id, hand).await;
    let _applied = stage.complete(success(&work)).await;
    hear(&mut wakes, &[Wake::Outbox, Wake::Execution(Some(many[0].id))]).await;
    let mut own = stage.store.wakes();
    hear(&mut own, &[Wake::Execution(None)]).await;
    let named = stage.submit(request()).await;
    let marker = other.submit(vec![request()]).await.expect("submitted")[0].id;
    // Its own commit is told once, directly, and not a second time by the database.
    let mut heard: Vec<ExecutionId> = Vec::new();
    while !heard.contains(&marker) {
        if let Ok(Wake::Execution(Some(id))) = own.recv().await {
            heard.push(id);
        }
    }
    let distinct: HashSet<ExecutionId> = heard.iter().copied().collect();
    assert_eq!(distinct.len(), heard.len(), "{heard:?}");
    assert!(heard.contains(&named));
    other.close().await;
}
