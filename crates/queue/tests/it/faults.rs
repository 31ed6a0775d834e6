//! A broker that is stopped, killed, frozen, full or strict, on a node of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use attune_queue::{ConsumerLink, LinkEvent, Published, Settled};
use attune_testkit::eventually;
use attune_testkit::rabbitmq::TestBroker;

use crate::brokers::{Broker, Rabbit};
use crate::words::*;

/// Longer than the five seconds a publish may take, by what a busy machine adds.
const PUBLISH_LIMIT: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishers_and_consumers_outlive_whatever_happens_to_the_broker() {
    let rabbit = Rabbit::on(TestBroker::alone().await).await;
    let link = consuming(&rabbit.queue, 1, 10).await;
    let mut next_execution = 0;
    works(&rabbit, &link, &mut next_execution).await;

    // Stopped in order.
    held_over(&rabbit, &link, &mut next_execution, async || {
        rabbit.broker.stop_app().await;
        publishing_is_unknown(&rabbit).await;
        rabbit.broker.start_app().await;
    })
    .await;

    // Killed: what was confirmed is on disk.
    held_over(&rabbit, &link, &mut next_execution, async || rabbit.broker.restart().await).await;

    // Frozen: sockets stay open and nobody answers.
    held_over(&rabbit, &link, &mut next_execution, async || {
        let node = rabbit.broker.node().expect("it is our own");
        node.freeze().await.expect("is ordered");
        eventually("the link to notice", LIMIT, async || link.identity().is_none().then_some(())).await;
        publishing_is_unknown(&rabbit).await;
        node.thaw().expect("is ordered");
    })
    .await;

    // Out of memory: the broker stops reading from whoever publishes, and says nothing.
    let alarm = "{resource_limit, memory, node()}";
    rabbit.broker.evaluate(&format!("rabbit_alarm:set_alarm({{{alarm}, []}}), \"set\"")).await;
    // The alarm reaches the connections a moment after it is set.
    eventually("the broker to stop reading", LIMIT, async || {
        let answers = rabbit.queue.publish(&[order(404, 1)]).await;
        matches!(answers[..], [Published::Unknown { .. }]).then_some(())
    })
    .await;
    publishing_is_unknown(&rabbit).await;
    rabbit.broker.evaluate(&format!("rabbit_alarm:clear_alarm({alarm}), \"cleared\"")).await;
    works(&rabbit, &link, &mut next_execution).await;
    rabbit.finish().await;
}

/// An acknowledgement that takes too long makes the broker close the channel, after which the client is deaf.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_the_broker_closes_is_noticed() {
    let rabbit = Rabbit::on(TestBroker::alone().await).await;
    // Read when a channel is opened.
    rabbit.broker.evaluate("application:set_env(rabbit, consumer_timeout, 1000), \"set\"").await;
    let link = consuming(&rabbit.queue, 1, 10).await;
    rabbit.broker.evaluate("application:set_env(rabbit, consumer_timeout, 1800000), \"set\"").await;
    let mut next_execution = 0;
    held_over(&rabbit, &link, &mut next_execution, async || {
        let LinkEvent::Lost { reason } = next(&link).await else { panic!("nothing else can happen") };
        assert!(reason.contains("PRECONDITION_FAILED") || reason.contains("closed"), "{reason}");
    })
    .await;
    rabbit.finish().await;
}

/// A delivery that is held over a fault comes again, and everything works after it.
async fn held_over(rabbit: &Rabbit, link: &Arc<dyn ConsumerLink>, next_execution: &mut i64, fault: impl AsyncFnOnce()) {
    let execution = *next_execution;
    *next_execution += 1;
    publish_for_certain(&rabbit.queue, &[order(1, execution)]).await;
    let held = delivery(link).await;
    fault().await;
    receive_all(link, execution..*next_execution).await;
    assert_eq!(link.acknowledge(held.tag).await, Settled::Stale);
    works(rabbit, link, next_execution).await;
}

async fn works(rabbit: &Rabbit, link: &Arc<dyn ConsumerLink>, next_execution: &mut i64) {
    let executions = *next_execution..*next_execution + 20;
    *next_execution = executions.end;
    let messages = orders(1, executions.clone());
    tokio::join!(publish_for_certain(&rabbit.queue, &messages), receive_all(link, executions));
}

async fn publishing_is_unknown(rabbit: &Rabbit) {
    let begun = Instant::now();
    // To a worker without a queue: an answer would be a return, and nothing is left behind.
    let answers = rabbit.queue.publish(&[order(404, 1), order(404, 2)]).await;
    assert!(answers.iter().all(|answer| matches!(answer, Published::Unknown { .. })), "{answers:?}");
    assert!(begun.elapsed() < PUBLISH_LIMIT, "it took {:?}", begun.elapsed());
}
