//! Work that cannot start yet waits, and says for what.

use std::time::Duration;

use attune_end_to_end::Deployment;
use attune_testkit::eventually;
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;
use serde_json::json;

use crate::ground_truth::GroundTruth;

#[tokio::test(flavor = "multi_thread")]
async fn work_beyond_the_slots_waits_and_work_that_fits_nowhere_is_explained_until_a_worker_comes() {
    let database = TestDatabase::create().await;
    let broker = TestBroker::create().await;
    let truth = GroundTruth::create();
    let packs = truth.packs();
    let extra = [("ATTUNE__PACKS__DIRECTORIES", packs.as_str())];
    let mut deployment = Deployment::start(database.url(), broker.url(), &extra).expect("a server");
    deployment.add_worker("small", 2, &extra).expect("a worker");
    deployment.wait_for_workers(1).expect("the worker");
    let client = deployment.client();

    let homeless = client.submit("proof.mark_gpu", &json!({})).expect("accepted");
    let waiting = client.submit_many("proof.mark", &json!({"seconds": 0.5}), 12).expect("accepted");

    // Never more at once than there are slots.
    for id in &waiting {
        let ended = client.wait(*id).expect("an answer");
        assert_eq!(ended["status"], "completed", "{ended}");
    }
    let mut running = 0_i32;
    for line in truth.lines() {
        running += if line.what == "start" { 1 } else { -1 };
        assert!(running <= 2, "more than two ran at once");
    }

    let still = client.get(&format!("/executions/{homeless}")).expect("an answer");
    assert_eq!(still["status"], "requested");
    let why = client.get(&format!("/executions/{homeless}/explain")).expect("an answer").to_string();
    assert!(why.contains("small") && why.contains("gpu=yes"), "the nearest miss is named: {why}");

    let labelled = [("ATTUNE__PACKS__DIRECTORIES", packs.as_str()), ("ATTUNE__WORKER__LABELS", "gpu=yes")];
    deployment.add_worker("large", 2, &labelled).expect("a worker");
    eventually("the fitting worker to run it", Duration::from_secs(20), || async {
        (client.get(&format!("/executions/{homeless}")).ok()?["status"] == "completed").then_some(())
    })
    .await;
    let ran: Vec<String> =
        truth.lines().into_iter().filter(|line| line.execution == homeless).map(|line| line.worker).collect();
    assert_eq!(ran, ["large", "large"]);
}
