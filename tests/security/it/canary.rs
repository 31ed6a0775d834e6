//! The canary, short. `make canary` is the long one.

use std::sync::Arc;

use attune_security_tests::canary::{Order, run};
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_canary_is_found_anywhere() {
    let (database, broker) = (Arc::new(TestDatabase::create().await), TestBroker::create().await);
    let order = Order {
        executions: 40,
        slots: 4,
        database_url: database.url().to_owned(),
        broker_url: broker.url().to_owned(),
    };
    let dumped = Arc::clone(&database);
    let ran = tokio::task::spawn_blocking(move || run(&order, || Ok(dumped.dump()))).await.expect("no panic");
    let report = ran.expect("it runs");
    eprintln!("{:#}", report.to_json());
    assert!(report.is_clean(), "{:#}", report.to_json());
}
