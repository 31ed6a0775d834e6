//! Short words for what tests say often.

use std::sync::Arc;
use std::time::Duration;

use attune_queue::{ConsumeOptions, ConsumerLink, Delivery, LinkEvent, Published, Queue, Settled};
use attune_types::{AttemptNumber, Envelope, ExecutionId, ExecutionStatus, Incarnation, Payload, Timestamp, WorkerId};

/// How long anything may take before the test is called broken.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn envelope(id: &str, payload: Payload) -> Envelope {
    Envelope {
        version: Envelope::VERSION,
        message_id: id.to_owned(),
        occurred_at: Timestamp(1_700_000_000_000_000),
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        payload,
    }
}

/// An order to a worker.
pub(crate) fn order(worker: i64, execution: i64) -> Envelope {
    let payload = Payload::Scheduled {
        execution: ExecutionId(execution),
        attempt: AttemptNumber::FIRST,
        worker: WorkerId(worker),
        incarnation: Incarnation([7; 16]),
    };
    envelope(&format!("{execution}.1"), payload)
}

pub(crate) fn orders(worker: i64, executions: std::ops::Range<i64>) -> Vec<Envelope> {
    executions.map(|execution| order(worker, execution)).collect()
}

pub(crate) fn cancel(worker: i64, execution: i64) -> Envelope {
    let payload = Payload::Cancel { execution: ExecutionId(execution), worker: WorkerId(worker) };
    envelope(&format!("{execution}.cancel"), payload)
}

/// A fact.
pub(crate) fn completed(execution: i64) -> Envelope {
    let payload =
        Payload::Completed { execution: ExecutionId(execution), status: ExecutionStatus::Completed, outcome: None };
    envelope(&format!("{execution}.completed"), payload)
}

pub(crate) fn consumer(worker: i64, prefetch: u16) -> ConsumeOptions {
    ConsumeOptions { worker: WorkerId(worker), worker_name: format!("w{worker}"), prefetch }
}

/// A link that consumes already.
pub(crate) async fn consuming(queue: &Arc<dyn Queue>, worker: i64, prefetch: u16) -> Arc<dyn ConsumerLink> {
    let link = queue.consume(consumer(worker, prefetch)).await.expect("the queue is open");
    assert!(matches!(next(&link).await, LinkEvent::Connected(_)));
    link
}

pub(crate) async fn next(link: &Arc<dyn ConsumerLink>) -> LinkEvent {
    tokio::time::timeout(LIMIT, link.next()).await.expect("something happens")
}

/// The next delivery, whatever is said in between.
pub(crate) async fn delivery(link: &Arc<dyn ConsumerLink>) -> Delivery {
    loop {
        match next(link).await {
            LinkEvent::Delivery(delivery) => return delivery,
            LinkEvent::Connected(_) | LinkEvent::Lost { .. } => {}
            LinkEvent::Closed => panic!("the link was closed"),
        }
    }
}

/// Nothing waits and nothing comes for a moment. Says nothing about later: only for what must have happened already.
pub(crate) async fn is_silent(link: &Arc<dyn ConsumerLink>) -> bool {
    tokio::time::timeout(Duration::from_millis(300), link.next()).await.is_err()
}

pub(crate) async fn acknowledge(link: &Arc<dyn ConsumerLink>, delivery: &Delivery) {
    assert_eq!(link.acknowledge(delivery.tag).await, Settled::Done, "{delivery:?}");
}

/// Publishes like the relay: what is unknown is sent again, what is returned too, since the queue may be on its way.
pub(crate) async fn publish_for_certain(queue: &Arc<dyn Queue>, messages: &[Envelope]) {
    let mut left = messages.to_vec();
    let send = async {
        while !left.is_empty() {
            let answers = queue.publish(&left).await;
            assert_eq!(answers.len(), left.len());
            let unsure = left.iter().zip(answers).filter(|(_, answer)| *answer != Published::Confirmed);
            left = unsure.map(|(message, _)| message.clone()).collect();
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, send).await.expect("everything is confirmed in the end");
}

/// Acknowledges until every one of these executions came at least once; answers how many came again.
pub(crate) async fn receive_all(link: &Arc<dyn ConsumerLink>, executions: std::ops::Range<i64>) -> usize {
    let mut missing: std::collections::BTreeSet<i64> = executions.collect();
    let mut again = 0;
    while !missing.is_empty() {
        let delivery = delivery(link).await;
        let Payload::Scheduled { execution, .. } = delivery.envelope.payload else {
            panic!("{delivery:?} is no order")
        };
        if !missing.remove(&execution.0) {
            again += 1;
        }
        // Stale is no harm: it comes again.
        let _ = link.acknowledge(delivery.tag).await;
    }
    again
}
