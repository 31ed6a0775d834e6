//! Several control planes on one PostgreSQL.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use attune_control::{Control, ControlHandle};
use attune_pack::Shelf;
use attune_queue::{MemoryQueue, Queue};
use attune_store::{OpenOptions, Store};
use attune_testkit::postgres::TestDatabase;
use serde_json::json;

use crate::client::Client;
use crate::fixture::{Worker, on_system, quick};

async fn replica(store: Arc<dyn Store>, queue: Arc<MemoryQueue>) -> ControlHandle {
    Control::builder(store, queue, Shelf::default()).ticks(quick()).start().await.expect("a control plane")
}

#[test]
fn three_schedulers_never_give_one_execution_twice() {
    on_system(async {
        let database = TestDatabase::create().await;
        let mut stores = Vec::new();
        for _ in 0..3 {
            stores.push(attune_store::open(database.url(), OpenOptions::default()).await.expect("a store"));
        }
        stores[0].migrate().await.expect("a schema");
        let queue = Arc::new(MemoryQueue::new());
        let mut replicas = Vec::new();
        for store in &stores {
            replicas.push(replica(Arc::clone(store), queue.clone()).await);
        }
        let mut workers = Vec::new();
        for (number, store) in stores.iter().enumerate() {
            let store = Arc::clone(store);
            workers.push(Worker::register(store, queue.clone(), &format!("w{number}"), &["shell"], 8).await);
        }
        let batch: Vec<_> =
            (0..200).map(|_| json!({"code": {"name": "a", "content": "", "runtime": "shell"}})).collect();
        let bodies = json!({"executions": batch});
        let clients: Vec<Client> = replicas.iter().map(|replica| Client::new(replica.address())).collect();
        let submits = clients.iter().map(|client| client.post("/api/v1/executions/batch", &bodies));
        for answer in futures_util::future::join_all(submits).await {
            assert_eq!(answer.status, 201);
        }
        let done = async {
            let all = async |worker: &Worker| loop {
                worker.work_one().await;
            };
            tokio::select! {
                _ = all(&workers[0]) => {}
                _ = all(&workers[1]) => {}
                _ = all(&workers[2]) => {}
                () = attune_testkit::eventually("all are done", Duration::from_secs(120), || async {
                    let left = clients[0].get("/api/v1/executions?status=requested,scheduled,running&limit=1").await;
                    left.json()["items"].as_array().is_some_and(Vec::is_empty).then_some(())
                }) => {}
            }
        };
        done.await;
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        let mut cursor = 0;
        loop {
            let page = stores[0].events(None, cursor, 1000).await.expect("events").events;
            let Some(last) = page.last() else { break };
            cursor = last.id;
            for event in page.iter().filter(|event| event.kind == "execution.completed") {
                *counts.entry(event.execution.0).or_default() += 1;
            }
        }
        assert_eq!(counts.len(), 600);
        assert!(counts.values().all(|count| *count == 1), "completed once each");
        for replica in replicas {
            assert!(replica.stop().await.is_clean());
        }
        queue.close().await;
        drop(workers);
        for store in stores {
            store.close().await;
        }
    });
}
