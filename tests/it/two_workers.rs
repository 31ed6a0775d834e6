//! Two workers, two thousand executions, and a broker that is restarted and loses every connection on the way.

use std::collections::BTreeSet;
use std::time::Duration;

use attune_end_to_end::Deployment;
use attune_testkit::eventually;
use attune_testkit::postgres::{Durability, TestDatabase};
use attune_testkit::rabbitmq::TestBroker;
use serde_json::json;

use crate::ground_truth::GroundTruth;

const EXECUTIONS: usize = 2000;

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_executions_survive_a_broker_restart_and_a_third_worker_takes_its_share() {
    let database = TestDatabase::alone(Durability::On).await;
    let broker = TestBroker::alone().await;
    let truth = GroundTruth::create();
    let packs = truth.packs();
    let extra = [("ATTUNE__PACKS__DIRECTORIES", packs.as_str())];
    let mut deployment = Deployment::start(database.url(), broker.url(), &extra).expect("a server");
    deployment.add_worker("one", 10, &extra).expect("a worker");
    deployment.add_worker("two", 10, &extra).expect("a worker");
    deployment.wait_for_workers(2).expect("both workers");
    let client = deployment.client();

    let ids = client.submit_many("proof.mark", &json!({"seconds": 0.01}), EXECUTIONS).expect("accepted");
    let started = |least: usize| {
        let truth = &truth;
        move || async move { (truth.starts().len() >= least).then_some(()) }
    };
    eventually("a quarter of the work to start", Duration::from_secs(60), started(EXECUTIONS / 4)).await;
    broker.close_all_connections().await;
    eventually("work to go on without connections", Duration::from_secs(60), started(EXECUTIONS / 3)).await;
    broker.restart().await;
    eventually("half of the work to start", Duration::from_secs(60), started(EXECUTIONS / 2)).await;

    eventually("everything to end", Duration::from_secs(120), || async {
        client.list("requested,scheduled,running,retrying,canceling").ok()?.is_empty().then_some(())
    })
    .await;
    let completed: BTreeSet<i64> =
        client.list("completed").expect("a list").iter().filter_map(|one| one["id"].as_i64()).collect();
    assert_eq!(completed, ids.iter().copied().collect::<BTreeSet<i64>>(), "every execution is completed");
    let starts = truth.starts();
    assert_eq!(starts.len(), EXECUTIONS, "every execution ran");
    let twice: Vec<_> = starts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "started more than once: {twice:?}");
    let ended: Vec<i64> = truth.lines().iter().filter(|line| line.what == "end").map(|line| line.execution).collect();
    assert_eq!(ended.len(), EXECUTIONS, "every execution ended once");

    // A third worker joins while there is a backlog.
    client.submit_many("proof.mark", &json!({"seconds": 0.15}), EXECUTIONS).expect("accepted");
    deployment.add_worker("three", 10, &extra).expect("a worker");
    deployment.wait_for_workers(3).expect("the third worker");
    eventually("the third worker to take its share", Duration::from_secs(5), || async {
        (truth.lines().iter().filter(|line| line.worker == "three").count() >= 10).then_some(())
    })
    .await;
    eventually("everything to end", Duration::from_secs(120), || async {
        client.list("requested,scheduled,running,retrying,canceling").ok()?.is_empty().then_some(())
    })
    .await;
    assert_eq!(client.list("completed").expect("a list").len(), 2 * EXECUTIONS);
    assert!(truth.starts().values().all(|count| *count == 1));
}
