//! How whole workers leave: by signals, by a successor of the same name, and not at all when their disk is full.

use std::time::{Duration, Instant};

use attune_testkit::eventually;
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;
use serde_json::json;

use crate::yard::{LONG, Stand, Yard, figure};

#[tokio::test(flavor = "multi_thread")]
async fn every_signal_has_its_exit_code_and_what_has_not_started_goes_back_at_once() {
    let (yard, database, broker) = (Yard::create(), TestDatabase::create().await, TestBroker::create().await);
    let mut stand = Stand::build(&yard, database.url(), broker.url());

    let first = stand.add_worker("one", 4, &[]).await;
    let running = stand.submit("yard.once", 2);
    yard.started(&running, 1).await;
    // Quick work, so that some of it lies at the worker and waits for a slot.
    let waiting = stand.submit("yard.quick", 600);
    eventually("some of it to be done", LONG, || async { (yard.count("end").len() > 100).then_some(()) }).await;
    stand.worker(first).signal(libc::SIGTERM);
    let asked = Instant::now();
    eventually("nothing to be on its way to the worker", LONG, || async {
        stand.client.list("scheduled").ok()?.is_empty().then_some(())
    })
    .await;
    figure("what had not started was handed back", asked.elapsed().as_secs_f64(), 0.5);
    assert!(yard.count("end").len() < running.len() + waiting.len(), "there was something to hand back");
    yard.open_gate();
    assert_eq!(stand.worker(first).wait(LONG).expect("it ends"), 0);
    stand.assert_completed(&running);

    // Somebody else does what was handed back.
    stand.add_worker("two", 4, &[]).await;
    stand.assert_completed(&waiting);
    let all: Vec<i64> = running.iter().chain(&waiting).copied().collect();
    yard.assert_once(&all);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_signal_ends_what_runs_and_the_third_kills_it() {
    for (signals, code) in [(2, 0), (3, 130)] {
        let (yard, database, broker) = (Yard::create(), TestDatabase::create().await, TestBroker::create().await);
        let mut stand = Stand::build(&yard, database.url(), broker.url());
        let grace = if signals == 3 { "100s" } else { "1s" };
        let extra = [("ATTUNE__WORKER__SHUTDOWN_TIMEOUT", "100s"), ("ATTUNE__WORKER__KILL_GRACE", grace)];
        let patient =
            [extra[0], extra[1], ("ATTUNE__PROTOCOL__LEASE", "300s"), ("ATTUNE__PROTOCOL__REAPER_GAP", "10s")];
        let index = stand.add_worker("one", 2, if signals == 3 { &patient } else { &extra }).await;
        let ids = stand.submit("yard.stubborn", 2);
        yard.started(&ids, 1).await;
        let asked = Instant::now();
        let begun = |words: &'static str| {
            let log = stand.deployment.folder().join("one.log");
            move || {
                let log = log.clone();
                async move { std::fs::read_to_string(log).ok()?.contains(words).then_some(()) }
            }
        };
        stand.deployment.workers[index].signal(libc::SIGTERM);
        eventually("the worker to drain", LONG, begun("draining")).await;
        stand.deployment.workers[index].signal(libc::SIGTERM);
        eventually("the worker to hurry", LONG, begun("stopping running executions now")).await;
        if signals == 3 {
            stand.deployment.workers[index].signal(libc::SIGTERM);
        }
        assert_eq!(stand.worker(index).wait(LONG).expect("it ends"), code);
        let promised = if signals == 3 { 1.5 } else { 6.0 };
        figure(&format!("gone after {signals} signals"), asked.elapsed().as_secs_f64(), promised);
        for end in stand.ends(&ids) {
            let cause = (&end["status"], &end["outcome"]["cause"]);
            assert_eq!(cause, (&json!("abandoned"), &json!("interrupted")), "{end}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_name_is_taken_stops_its_work_and_leaves_with_3() {
    let (yard, database, broker) = (Yard::create(), TestDatabase::create().await, TestBroker::create().await);
    let mut stand = Stand::build(&yard, database.url(), broker.url());
    let first = stand.add_worker("one", 4, &[]).await;
    let (once, again) = (stand.submit("yard.once", 2), stand.submit("yard.again", 2));
    yard.started(&once, 1).await;
    yard.started(&again, 1).await;
    // Another place, so nothing proves that the first is dead; and it is not.
    let place = stand.deployment.folder().join("elsewhere").display().to_string();
    stand.add_worker("one", 4, &[("ATTUNE__PATHS__STATE_DIR", place.as_str())]).await;
    let taken = Instant::now();
    assert_eq!(stand.worker(first).wait(LONG).expect("it leaves"), 3);
    figure("the first of two workers of one name was gone", taken.elapsed().as_secs_f64(), 10.0);
    assert!(stand.worker(first).printed().contains("another worker registered"), "it says why");
    yard.started(&again, 2).await;
    for end in stand.ends(&once) {
        assert_eq!(end["status"], "abandoned", "{end}");
    }
    yard.open_gate();
    stand.assert_completed(&again);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_disk_is_nearly_full_takes_no_work_until_there_is_room() {
    let (yard, database, broker) = (Yard::create(), TestDatabase::create().await, TestBroker::create().await);
    let mut stand = Stand::build(&yard, database.url(), broker.url());
    let disk = crate::small_disk::SmallDisk::mount(64 << 20);
    let state = disk.path().display().to_string();
    let extra = [("ATTUNE__PATHS__STATE_DIR", state.as_str()), ("ATTUNE__WORKER__HEARTBEAT_INTERVAL", "300ms")];
    let index = stand.add_worker("one", 2, &extra).await;
    let before = stand.submit("yard.quick", 1);
    stand.assert_completed(&before);
    disk.fill();
    let says = |stand: &Stand, words: &str| stand.deployment.workers[index].printed().contains(words).then_some(());
    eventually("the worker to notice", LONG, || async { says(&stand, "the disk is nearly full") }).await;
    eventually("the store to know", LONG, || async {
        (stand.client.get("/workers/one").ok()?["status"] == "draining").then_some(())
    })
    .await;
    let waiting = stand.submit("yard.quick", 3);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(waiting.iter().all(|id| !yard.count("start").contains_key(id)), "nothing was started");
    disk.empty();
    stand.assert_completed(&waiting);
    assert!(says(&stand, "the disk has room again").is_some());
    let all: Vec<i64> = before.iter().chain(&waiting).copied().collect();
    yard.assert_once(&all);
}
