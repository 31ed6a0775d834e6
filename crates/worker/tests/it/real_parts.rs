//! The same worker on PostgreSQL and RabbitMQ.

use attune_queue::ConnectOptions;
use attune_supervise::How;
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;
use attune_testkit::{TestDirectory, eventually};
use attune_types::ExecutionStatus;
use serde_json::Map;

use crate::crashes::crash_each_actor;
use crate::fixture::{Fixture, LONG, in_system, shell};

async fn fixture(database: &TestDatabase, broker: &TestBroker) -> Fixture {
    let queue = attune_queue::connect(broker.url(), ConnectOptions::default()).await.expect("the broker answers");
    Fixture::on(database.url(), queue, TestDirectory::create()).await
}

#[test]
fn ten_executions_survive_a_panic_of_every_actor_on_postgresql_and_rabbitmq() {
    in_system(async {
        let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
        let fixture = fixture(&database, &broker).await;
        crash_each_actor(&fixture, &[How::PanicInHandler]).await;
        fixture.queue.close().await;
        fixture.store.close().await;
    });
}

#[test]
fn a_hundred_executions_survive_the_loss_of_every_connection_to_rabbitmq() {
    in_system(async {
        let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
        let fixture = fixture(&database, &broker).await;
        let worker = fixture.worker().await;
        let first = eventually("a connection", LONG, || async { worker.link() }).await;
        let mut ids = Vec::new();
        for _ in 0..100 {
            ids.push(fixture.submit(shell("true"), Map::new()).await);
        }
        for some in ids.chunks(50) {
            fixture.dispatch(&worker, some).await;
            broker.close_all_connections().await;
        }
        fixture.assert_ended_once(&ids, ExecutionStatus::Completed).await;
        eventually("another connection", LONG, || async { worker.link().filter(|link| *link != first) }).await;
        fixture.stop(&worker).await;
        fixture.queue.close().await;
        fixture.store.close().await;
    });
}
