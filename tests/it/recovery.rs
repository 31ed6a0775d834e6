//! How long it takes until everything is well again: a worker that is killed, a host that is gone, a broker that is wiped, a
//! database that is away. What is measured is printed; what is asserted is what was promised, and a little more.

use std::time::{Duration, Instant};

use attune_testkit::eventually;
use attune_testkit::postgres::{Durability, TestDatabase};
use attune_testkit::rabbitmq::TestBroker;
use serde_json::json;

use crate::yard::{LONG, Stand, Yard, between, figure, p99};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_worker_ran_is_settled_as_soon_as_it_is_back() {
    let (yard, database, broker) = (Yard::create(), TestDatabase::create().await, TestBroker::create().await);
    let mut stand = Stand::build(&yard, database.url(), broker.url());
    let first = stand.add_worker("one", 4, &[]).await;
    let (once, again) = (stand.submit("yard.once", 2), stand.submit("yard.again", 2));
    yard.started(&once, 1).await;
    yard.started(&again, 1).await;
    let killed = stand.kill(first);
    eventually("the trees to be dead", LONG, || async { (yard.living() == 0).then_some(()) }).await;
    figure("trees dead after a SIGKILL of the worker", killed.elapsed().as_secs_f64(), 1.0);
    stand.add_worker("one", 4, &[]).await;
    for end in stand.ends(&once) {
        assert_eq!((&end["status"], &end["outcome"]["cause"]), (&json!("abandoned"), &json!("worker_lost")), "{end}");
    }
    yard.started(&again, 2).await;
    let settled = killed.elapsed().as_secs_f64();
    figure("settled and running again after the worker was started again", settled, 10.0);
    assert!(settled < 20.0);
    yard.open_gate();
    stand.assert_completed(&again);
    assert!(once.iter().all(|id| yard.count("start")[id] == 1), "nobody asked for a second run");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_host_ran_goes_on_elsewhere_when_its_lease_is_over() {
    let (yard, database, broker) = (Yard::create(), TestDatabase::create().await, TestBroker::create().await);
    let mut stand = Stand::build(&yard, database.url(), broker.url());
    let lost = stand.add_worker("lost", 4, &[]).await;
    let (once, again) = (stand.submit("yard.once", 2), stand.submit("yard.again", 2));
    yard.started(&once, 1).await;
    yard.started(&again, 1).await;
    stand.add_worker("left", 4, &[]).await;
    let killed = stand.kill(lost);
    yard.started(&again, 2).await;
    for end in stand.ends(&once) {
        assert_eq!(end["status"], "abandoned", "{end}");
    }
    let settled = killed.elapsed().as_secs_f64();
    figure("settled and running elsewhere after the host was gone", settled, 50.0);
    assert!(settled < 60.0);
    yard.open_gate();
    stand.assert_completed(&again);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_wiped_loses_nothing_and_is_consumed_from_again() {
    let (yard, database, broker) = (Yard::create(), TestDatabase::create().await, TestBroker::create().await);
    let mut stand = Stand::build(&yard, database.url(), broker.url());
    stand.add_worker("one", 20, &[]).await;
    let mut ids = stand.submit("yard.quick", 20);
    stand.assert_completed(&ids);

    let consumed = stand.consumed("one");
    broker.delete().await;
    let mut meanwhile = Vec::new();
    for _ in 0..40 {
        meanwhile.extend(stand.submit("yard.quick", 1));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let waited: Vec<f64> =
        stand.assert_completed(&meanwhile).iter().map(|end| between(end, "requested_at", "started_at")).collect();
    figure("p99 from request to start without a broker", p99(waited.clone()), 6.0);
    assert!(p99(waited) < 12.0);

    broker.create_again().await;
    let healed = Instant::now();
    eventually("the worker to consume again", LONG, || async { (stand.consumed("one") > consumed).then_some(()) })
        .await;
    let deaf = healed.elapsed().as_secs_f64();
    figure("consuming again after the virtual host was back", deaf, 10.0);
    assert!(deaf < 20.0);
    ids.extend(meanwhile);
    let after = stand.submit("yard.quick", 20);
    stand.assert_completed(&after);
    ids.extend(after);
    yard.assert_once(&ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_for_twenty_seconds_kills_nothing() {
    let (yard, broker) = (Yard::create(), TestBroker::create().await);
    let database = TestDatabase::alone(Durability::On).await;
    let mut stand = Stand::build(&yard, database.url(), broker.url());
    stand.add_worker("one", 10, &[]).await;
    stand.add_worker("two", 10, &[]).await;
    let running = stand.submit("yard.once", 8);
    yard.started(&running, 1).await;
    let server = database.server().expect("its own server");
    server.crash().expect("it is killed");
    tokio::time::sleep(Duration::from_secs(20)).await;
    server.start_again().await.expect("it is back");
    let ready = Instant::now();
    let next =
        eventually("a submission to be taken", LONG, || async { stand.client.submit("yard.quick", &json!({})).ok() })
            .await;
    stand.assert_completed(&[next]);
    let recovered = ready.elapsed().as_secs_f64();
    figure("first execution done after the database was back", recovered, 5.0);
    assert!(recovered < 20.0);
    assert!(yard.living() >= running.len(), "nothing that ran was killed");
    // Long enough for a reaper to do what it must not do.
    tokio::time::sleep(Duration::from_secs(4)).await;
    yard.open_gate();
    for end in stand.assert_completed(&running) {
        assert_eq!(end["attempts"], 1, "{end}");
    }
    let mut ids = running;
    ids.push(next);
    yard.assert_once(&ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_only_a_killed_worker_knew_is_told_by_its_next_life() {
    let (yard, broker) = (Yard::create(), TestBroker::create().await);
    let database = TestDatabase::alone(Durability::On).await;
    let mut stand = Stand::build(&yard, database.url(), broker.url());
    let first = stand.add_worker("one", 4, &[]).await;
    let ids = stand.submit("yard.once", 3);
    yard.started(&ids, 1).await;
    let server = database.server().expect("its own server");
    server.stop().expect("it stops");
    yard.open_gate();
    let spool = stand.deployment.folder().join("state-one/workers/one/ends");
    eventually("the ends to lie on disk", LONG, || async {
        let files = std::fs::read_dir(&spool).ok()?.flatten();
        let whole = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "json"));
        (whole.count() == ids.len()).then_some(())
    })
    .await;
    stand.kill(first);
    server.start_again().await.expect("it is back");
    stand.add_worker("one", 4, &[]).await;
    for end in stand.assert_completed(&ids) {
        assert_eq!((&end["outcome"]["code"], &end["attempts"]), (&json!(0), &json!(1)), "{end}");
    }
    yard.assert_once(&ids);
    assert_eq!(std::fs::read_dir(&spool).expect("a folder").count(), 0, "what was told is not kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn schedulers_that_are_killed_one_after_the_other_lose_and_repeat_nothing() {
    let (yard, database, broker) = (Yard::create(), TestDatabase::create().await, TestBroker::create().await);
    let mut stand = Stand::build(&yard, database.url(), broker.url());
    stand.add_worker("one", 10, &[]).await;
    let mut replica = stand.deployment.add_server("second", &[]).expect("a second server");
    let mut ids = Vec::new();
    for round in 0..5 {
        ids.extend(stand.submit("yard.quick", 100));
        replica.signal(libc::SIGKILL);
        replica.wait(Duration::from_secs(10)).expect("it dies");
        replica = stand.deployment.add_server(&format!("replica-{round}"), &[]).expect("the next one");
    }
    stand.assert_completed(&ids);
    yard.assert_once(&ids);
}
