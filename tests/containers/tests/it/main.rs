//! The agent in containers, as far as it costs seconds. Everything: `make test-containers`.

use attune_container_tests::{Engine, small};
use attune_end_to_end::{Deployment, repository, static_agent};
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;

#[tokio::test(flavor = "multi_thread")]
async fn the_static_agent_works_in_a_busybox_and_where_there_is_nothing() {
    let engine = match Engine::start() {
        Ok(engine) => engine,
        Err(reason) => {
            eprintln!("skipped: no container was started, because {reason}");
            return;
        }
    };
    let agent = static_agent().expect("`make static-agent` made it");
    let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
    let deployment = Deployment::start(database.url(), broker.url(), &[]).expect("a server");
    small(engine.docker(), &agent, &deployment, &repository().join("packs")).expect("it works in both");
}
