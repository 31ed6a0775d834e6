//! What only RabbitMQ can show.

use std::time::{Duration, Instant};

use attune_queue::{ConnectOptions, LinkEvent, Published, QueueError, connect};
use attune_testkit::eventually;
use attune_testkit::rabbitmq::TestBroker;
use attune_types::WorkerId;
use attune_types::message::{EXCHANGE, PARKING_QUEUE, scheduled_key, worker_queue};
use lapin::options::{BasicGetOptions, BasicPublishOptions};
use lapin::types::AMQPValue;
use lapin::{BasicProperties, Connection, ConnectionProperties};

use crate::brokers::{Broker, Rabbit};
use crate::words::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_parked_with_its_reason_and_does_not_hold_up_the_rest() {
    let rabbit = Rabbit::start().await;
    let link = consuming(&rabbit.queue, 1, 10).await;
    let raw = Connection::connect(rabbit.broker.url(), ConnectionProperties::default()).await.expect("connects");
    let channel = raw.create_channel().await.expect("opens");
    let key = scheduled_key(WorkerId(1));
    let options = BasicPublishOptions::default();
    let sent = channel.basic_publish(EXCHANGE.into(), key.into(), options, b"garbage", BasicProperties::default());
    sent.await.expect("is sent").await.expect("is answered");
    eventually("it to be parked", LIMIT, async || (link.parked() == 1).then_some(())).await;
    publish_for_certain(&rabbit.queue, &[order(1, 1)]).await;
    receive_all(&link, 1..2).await;
    assert_eq!(rabbit.queue.parked().await.expect("the broker answers"), 1);
    let parked = channel.basic_get(PARKING_QUEUE.into(), BasicGetOptions { no_ack: true }).await.expect("answers");
    let parked = parked.expect("it is there").delivery;
    assert_eq!(parked.data, b"garbage");
    let headers = parked.properties.headers().clone().expect("says why");
    let Some(AMQPValue::LongString(reason)) = headers.inner().get("attune-reason") else { panic!("{headers:?}") };
    assert!(reason.to_string().starts_with("it is no message of ours"), "{reason}");
    raw.close(200, "OK".into()).await.expect("closes");
    rabbit.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_back_again_and_again_is_parked_in_the_end() {
    let rabbit = Rabbit::start().await;
    let link = consuming(&rabbit.queue, 1, 10).await;
    publish_for_certain(&rabbit.queue, &[order(1, 1)]).await;
    let returned = async {
        loop {
            let delivery = delivery(&link).await;
            let _settled = link.requeue(delivery.tag).await;
        }
    };
    let parked = eventually("it to be parked", LIMIT, async || (rabbit.queue.parked().await.ok()? == 1).then_some(()));
    tokio::select! {
        () = returned => {}
        () = parked => {}
    }
    publish_for_certain(&rabbit.queue, &[order(1, 2)]).await;
    receive_all(&link, 2..3).await;
    rabbit.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_publishes_waits_for_confirms_as_long_as_was_configured() {
    let broker = TestBroker::alone().await;
    let options = ConnectOptions { confirm_timeout: Duration::from_millis(200), ..ConnectOptions::default() };
    let queue = connect(broker.url(), options).await.expect("the broker answers");
    let _link = consuming(&queue, 1, 10).await;
    publish_for_certain(&queue, &[order(1, 1)]).await;
    broker.node().expect("its own node").freeze().await.expect("is ordered");
    let answers = queue.publish(&[order(1, 2)]).await;
    let Published::Unknown { reason } = &answers[0] else { panic!("{answers:?}") };
    assert_eq!(reason, "no confirm within 200 ms");
    broker.node().expect("its own node").thaw().expect("is ordered");
    queue.close().await;
    broker.may_leave_unacknowledged();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_deleted_under_its_consumer_is_declared_again() {
    let rabbit = Rabbit::start().await;
    let link = consuming(&rabbit.queue, 1, 10).await;
    rabbit.broker.delete_queue(&worker_queue(WorkerId(1))).await;
    assert!(matches!(next(&link).await, LinkEvent::Lost { .. }));
    assert!(matches!(next(&link).await, LinkEvent::Connected(_)));
    publish_for_certain(&rabbit.queue, &[order(1, 1)]).await;
    receive_all(&link, 1..2).await;
    rabbit.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_are_what_the_contract_says() {
    let rabbit = Rabbit::start().await;
    let link = consuming(&rabbit.queue, 1, 10).await;
    let queue = rabbit.broker.queue(&worker_queue(WorkerId(1))).await.expect("exists");
    assert_eq!((queue.kind.as_str(), queue.consumers), ("quorum", 1));
    let parking = rabbit.broker.queue(PARKING_QUEUE).await.expect("exists");
    assert_eq!((parking.kind.as_str(), parking.ready), ("quorum", 0));
    link.close().await;
    eventually("the queue to outlive its consumer", LIMIT, async || {
        let queue = rabbit.broker.queue(&worker_queue(WorkerId(1))).await.expect("exists");
        (queue.consumers == 0).then_some(())
    })
    .await;
    rabbit.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_a_wrong_virtual_host_are_refused_at_once() {
    let broker = TestBroker::create().await;
    let begun = Instant::now();
    let patient = ConnectOptions { start_deadline: Duration::from_secs(600), ..ConnectOptions::default() };
    let wrong_password = broker.url().replace("guest:guest", "guest:secret");
    let wrong_host = format!("{}-missing", broker.url());
    for url in [&wrong_password, &wrong_host] {
        let error = connect(url, patient.clone()).await.err().expect("is refused");
        let QueueError::Refused { address, .. } = &error else { panic!("{error:?}") };
        assert!(url.contains(address.as_str()));
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    assert!(begun.elapsed() < Duration::from_secs(300), "nobody waited for the deadline");
}

#[tokio::test]
async fn a_broker_that_nobody_reaches_is_named_after_the_deadline() {
    // A port that is bound and does not listen refuses.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("binds").port();
    let hurried = ConnectOptions { start_deadline: Duration::from_millis(300), ..ConnectOptions::default() };
    let error = connect(&format!("amqp://127.0.0.1:{port}"), hurried.clone()).await.err().expect("is unreachable");
    let QueueError::Unreachable { address, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*address, format!("127.0.0.1:{port}"));
    let error = connect("amqp://name.invalid", hurried.clone()).await.err().expect("has no address");
    assert!(error.to_string().contains("name.invalid:5672"), "{error}");
    assert!(matches!(connect("nonsense", hurried).await.err(), Some(QueueError::Url { .. })));
}
