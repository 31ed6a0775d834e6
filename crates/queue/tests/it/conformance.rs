//! What every broker does.

use std::collections::BTreeSet;

use attune_queue::{LinkEvent, Published, QueueError, Settled};

use crate::brokers::{Broker, Memory, Rabbit};
use crate::words::*;

macro_rules! for_every_broker {
    ($($name:ident),* $(,)?) => {
        mod memory {
            use super::*;
            $(#[tokio::test] async fn $name() { super::$name(Memory::start().await).await })*
        }
        mod rabbitmq {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(Rabbit::start().await).await })*
        }
    };
}

for_every_broker!(
    orders_reach_their_worker_and_nobody_else,
    an_order_that_no_queue_wants_is_returned_and_a_fact_is_not,
    a_batch_is_answered_in_order,
    an_empty_batch_has_no_answers,
    at_most_the_prefetch_is_unsettled,
    a_delivery_is_settled_once,
    what_is_requeued_comes_again,
    what_was_unsettled_comes_again_after_a_break,
    every_connection_is_a_new_generation,
    nothing_is_lost_while_connections_break,
    facts_of_the_types_asked_for_pass_by,
    facts_go_on_after_a_break,
    a_paused_link_settles_but_delivers_no_more,
    a_closed_link_gives_back_what_is_unsettled,
    a_reader_that_gives_up_loses_nothing,
    two_readers_share,
    a_closed_queue_says_so,
);

async fn orders_reach_their_worker_and_nobody_else<B: Broker>(broker: B) {
    let (first, second) = (consuming(broker.queue(), 1, 10).await, consuming(broker.queue(), 2, 10).await);
    let sent = [order(1, 10), cancel(1, 11), order(2, 20)];
    assert_eq!(broker.queue().publish(&sent).await, [const { Published::Confirmed }; 3]);
    for expected in &sent[..2] {
        let delivery = delivery(&first).await;
        assert_eq!(delivery.envelope, *expected);
        assert!(!delivery.redelivered);
        acknowledge(&first, &delivery).await;
    }
    let other = delivery(&second).await;
    assert_eq!(other.envelope, sent[2]);
    acknowledge(&second, &other).await;
    assert!(is_silent(&first).await && is_silent(&second).await);
    broker.finish().await;
}

async fn an_order_that_no_queue_wants_is_returned_and_a_fact_is_not<B: Broker>(broker: B) {
    let answers = broker.queue().publish(&[order(404, 1), completed(1)]).await;
    assert!(matches!(answers[0], Published::Returned { .. }), "{answers:?}");
    assert_eq!(answers[1], Published::Confirmed);
    broker.finish().await;
}

async fn a_batch_is_answered_in_order<B: Broker>(broker: B) {
    let link = consuming(broker.queue(), 1, 200).await;
    let batch: Vec<_> = (0..100).map(|n| order(if n % 3 == 0 { 404 } else { 1 }, n)).collect();
    let answers = broker.queue().publish(&batch).await;
    assert_eq!(answers.len(), 100);
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(matches!(answer, Published::Returned { .. }), n % 3 == 0, "{n}: {answer:?}");
        assert_eq!(*answer == Published::Confirmed, n % 3 != 0, "{n}: {answer:?}");
    }
    for expected in batch.iter().enumerate().filter(|(n, _)| n % 3 != 0) {
        let delivery = delivery(&link).await;
        assert_eq!(delivery.envelope, *expected.1);
        acknowledge(&link, &delivery).await;
    }
    broker.finish().await;
}

async fn an_empty_batch_has_no_answers<B: Broker>(broker: B) {
    assert_eq!(broker.queue().publish(&[]).await, []);
    assert!(broker.queue().ping().await.is_ok());
    broker.finish().await;
}

async fn at_most_the_prefetch_is_unsettled<B: Broker>(broker: B) {
    let link = consuming(broker.queue(), 1, 3).await;
    publish_for_certain(broker.queue(), &orders(1, 0..10)).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(delivery(&link).await);
    }
    assert!(is_silent(&link).await, "the fourth has to wait");
    assert_eq!(link.unsettled(), held);
    acknowledge(&link, &held.remove(0)).await;
    held.push(delivery(&link).await);
    assert!(is_silent(&link).await);
    assert_eq!(link.unsettled(), held);
    for delivery in &held {
        acknowledge(&link, delivery).await;
    }
    receive_all(&link, 4..10).await;
    broker.finish().await;
}

async fn a_delivery_is_settled_once<B: Broker>(broker: B) {
    let link = consuming(broker.queue(), 1, 10).await;
    publish_for_certain(broker.queue(), &[order(1, 1)]).await;
    let delivery = delivery(&link).await;
    acknowledge(&link, &delivery).await;
    assert_eq!(link.acknowledge(delivery.tag).await, Settled::Stale);
    assert_eq!(link.requeue(delivery.tag).await, Settled::Stale);
    assert_eq!(link.unsettled(), []);
    assert!(is_silent(&link).await);
    broker.finish().await;
}

async fn what_is_requeued_comes_again<B: Broker>(broker: B) {
    let link = consuming(broker.queue(), 1, 10).await;
    publish_for_certain(broker.queue(), &[order(1, 1)]).await;
    let first = delivery(&link).await;
    assert!(!first.redelivered);
    assert_eq!(link.requeue(first.tag).await, Settled::Done);
    let second = delivery(&link).await;
    assert_eq!(second.envelope, first.envelope);
    assert!(second.redelivered);
    assert_ne!(second.tag, first.tag);
    acknowledge(&link, &second).await;
    broker.finish().await;
}

async fn what_was_unsettled_comes_again_after_a_break<B: Broker>(broker: B) {
    let link = consuming(broker.queue(), 1, 10).await;
    publish_for_certain(broker.queue(), &orders(1, 0..5)).await;
    let settled = delivery(&link).await;
    acknowledge(&link, &settled).await;
    let old = [delivery(&link).await, delivery(&link).await];
    broker.break_connections().await;
    // What the old connection still delivers is void.
    while !matches!(next(&link).await, LinkEvent::Connected(_)) {}
    // What was never seen may come before what was: the order is not promised.
    let again = [delivery(&link).await, delivery(&link).await, delivery(&link).await, delivery(&link).await];
    for old in &old {
        let new = again.iter().find(|new| new.envelope == old.envelope).expect("it comes again");
        assert!(new.redelivered);
        assert_eq!(link.acknowledge(old.tag).await, Settled::Stale);
    }
    assert_eq!(link.unsettled(), again, "a stale settlement hits nobody else");
    for delivery in &again {
        acknowledge(&link, delivery).await;
    }
    assert!(is_silent(&link).await, "the settled one does not come again");
    broker.finish().await;
}

async fn every_connection_is_a_new_generation<B: Broker>(broker: B) {
    let link = consuming(broker.queue(), 1, 10).await;
    let first = link.identity().expect("it consumes");
    assert_eq!(link.identity(), Some(first.clone()));
    broker.break_connections().await;
    assert!(matches!(next(&link).await, LinkEvent::Lost { .. }));
    let LinkEvent::Connected(second) = next(&link).await else { panic!("it rebuilds itself") };
    assert!(second.generation > first.generation);
    assert_ne!(second.consumer_tag, first.consumer_tag);
    assert_eq!(link.identity(), Some(second));
    broker.finish().await;
}

async fn nothing_is_lost_while_connections_break<B: Broker>(broker: B) {
    let link = consuming(broker.queue(), 1, 16).await;
    let batches = async {
        for start in (0..300).step_by(20) {
            publish_for_certain(broker.queue(), &orders(1, start..start + 20)).await;
        }
    };
    let breaks = async {
        for _ in 0..3 {
            let before = link.identity();
            broker.break_connections().await;
            // The next break hits a link that has noticed this one and works again.
            attune_testkit::eventually("the link to consume again", LIMIT, async || {
                link.identity().filter(|now| before.as_ref() != Some(now))
            })
            .await;
        }
    };
    let receive = receive_all(&link, 0..300);
    tokio::join!(batches, breaks, receive);
    // What was acknowledged just before a break may come once more.
    while !is_silent_after_settling(&link).await {}
    broker.finish().await;
}

async fn is_silent_after_settling(link: &std::sync::Arc<dyn attune_queue::ConsumerLink>) -> bool {
    match tokio::time::timeout(std::time::Duration::from_secs(1), link.next()).await {
        Ok(LinkEvent::Delivery(delivery)) => {
            let _ = link.acknowledge(delivery.tag).await;
            false
        }
        Ok(_) => false,
        Err(_) => true,
    }
}

async fn facts_of_the_types_asked_for_pass_by<B: Broker>(broker: B) {
    publish_for_certain(broker.queue(), &[completed(1)]).await;
    let mut facts = broker.queue().facts(&["execution.completed"]).await.expect("the queue is open");
    let mut others = broker.queue().facts(&["execution.status_changed"]).await.expect("the queue is open");
    let link = consuming(broker.queue(), 1, 10).await;
    publish_for_certain(broker.queue(), &[completed(2), order(1, 3), completed(4)]).await;
    for execution in [2, 4] {
        let fact = tokio::time::timeout(LIMIT, facts.recv()).await.expect("it passes by");
        assert_eq!(fact, Some(completed(execution)));
    }
    assert!(others.try_recv().is_err());
    receive_all(&link, 3..4).await;
    broker.queue().close().await;
    assert_eq!(facts.recv().await, None, "a closed queue has no facts");
    broker.finish().await;
}

async fn facts_go_on_after_a_break<B: Broker>(broker: B) {
    let mut facts = broker.queue().facts(&["execution.completed"]).await.expect("the queue is open");
    broker.break_connections().await;
    // Those that pass while nobody listens are gone, so this one is said until it is heard.
    let heard = attune_testkit::eventually("a fact to be heard", LIMIT, || {
        let heard = facts.try_recv().ok();
        let queue = broker.queue();
        async move {
            if heard.is_none() {
                publish_for_certain(queue, &[completed(1)]).await;
            }
            heard
        }
    });
    assert_eq!(heard.await, completed(1));
    broker.finish().await;
}

async fn a_paused_link_settles_but_delivers_no_more<B: Broker>(broker: B) {
    let link = consuming(broker.queue(), 1, 2).await;
    publish_for_certain(broker.queue(), &orders(1, 0..5)).await;
    let held = delivery(&link).await;
    link.pause().await;
    link.pause().await;
    assert!(is_silent(&link).await, "what nobody saw went back");
    assert_eq!(link.unsettled(), std::slice::from_ref(&held));
    acknowledge(&link, &held).await;
    link.close().await;
    assert_eq!(next(&link).await, LinkEvent::Closed);
    let other = consuming(broker.queue(), 1, 10).await;
    receive_all(&other, 1..5).await;
    assert!(is_silent(&other).await, "the settled one does not come again");
    broker.finish().await;
}

async fn a_closed_link_gives_back_what_is_unsettled<B: Broker>(broker: B) {
    let link = consuming(broker.queue(), 1, 10).await;
    publish_for_certain(broker.queue(), &[order(1, 1)]).await;
    let held = delivery(&link).await;
    link.close().await;
    link.close().await;
    assert_eq!(next(&link).await, LinkEvent::Closed);
    assert_eq!(next(&link).await, LinkEvent::Closed, "and nothing else, ever");
    assert_eq!(link.acknowledge(held.tag).await, Settled::Stale);
    assert_eq!((link.identity(), link.unsettled()), (None, vec![]));
    let other = consuming(broker.queue(), 1, 10).await;
    let again = delivery(&other).await;
    assert_eq!(again.envelope, held.envelope);
    assert!(again.redelivered);
    acknowledge(&other, &again).await;
    broker.finish().await;
}

async fn a_reader_that_gives_up_loses_nothing<B: Broker>(broker: B) {
    let link = consuming(broker.queue(), 1, 10).await;
    let publish = async {
        for execution in 0..50 {
            publish_for_certain(broker.queue(), &[order(1, execution)]).await;
        }
    };
    let read = async {
        let mut seen = BTreeSet::new();
        while seen.len() < 50 {
            // Ready at once or given up: a reader that is cancelled as often as can be.
            tokio::select! {
                biased;
                event = link.next() => if let LinkEvent::Delivery(delivery) = event {
                    acknowledge(&link, &delivery).await;
                    assert!(seen.insert(delivery.envelope.message_id), "each comes once");
                },
                () = tokio::task::yield_now() => {}
            }
        }
    };
    tokio::join!(publish, async { tokio::time::timeout(LIMIT, read).await.expect("all come") });
    broker.finish().await;
}

async fn two_readers_share<B: Broker>(broker: B) {
    let link = consuming(broker.queue(), 1, 10).await;
    let read = || async {
        let mut seen = Vec::new();
        loop {
            match next(&link).await {
                LinkEvent::Delivery(delivery) => {
                    acknowledge(&link, &delivery).await;
                    seen.push(delivery.envelope.message_id);
                }
                LinkEvent::Closed => return seen,
                LinkEvent::Connected(_) | LinkEvent::Lost { .. } => {}
            }
        }
    };
    let publish = async {
        publish_for_certain(broker.queue(), &orders(1, 0..40)).await;
        attune_testkit::eventually("all to be settled", LIMIT, async || {
            let answered = broker.queue().ping().await.is_ok();
            (answered && link.unsettled().is_empty() && is_drained(&link).await).then_some(())
        })
        .await;
        link.close().await;
    };
    let (mut first, second, ()) = tokio::join!(read(), read(), publish);
    first.extend(second);
    let distinct: BTreeSet<_> = first.iter().collect();
    assert_eq!((first.len(), distinct.len()), (40, 40));
    broker.finish().await;
}

/// Whether the readers have had time to see everything: forty deliveries, each acknowledged at once.
async fn is_drained(link: &std::sync::Arc<dyn attune_queue::ConsumerLink>) -> bool {
    for _ in 0..20 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        if !link.unsettled().is_empty() {
            return false;
        }
    }
    true
}

async fn a_closed_queue_says_so<B: Broker>(broker: B) {
    let link = consuming(broker.queue(), 1, 10).await;
    broker.queue().close().await;
    assert_eq!(next(&link).await, LinkEvent::Closed);
    let answers = broker.queue().publish(&[completed(1)]).await;
    assert!(matches!(answers[..], [Published::Unknown { .. }]), "{answers:?}");
    assert!(matches!(broker.queue().consume(consumer(1, 1)).await.err(), Some(QueueError::Closed)));
    assert!(matches!(broker.queue().facts(&[]).await.err(), Some(QueueError::Closed)));
    assert!(matches!(broker.queue().ping().await, Err(QueueError::Closed)));
    broker.finish().await;
}
