//! The actor that turns deliveries into offers and answers them.
//!
//! It owns nothing but its place in the conversation: the connection, the consumer's tag and the ledger of unsettled
//! deliveries live in the link, outside of it. Its next life asks the link what is unsettled and offers it again; what
//! is in hand already is then acknowledged, and nothing is delivered twice.

use std::sync::Arc;

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, Recipient, Supervised, WrapFuture,
};
use attune_queue::{ConsumerLink, Delivery, DeliveryTag, LinkEvent, Settled};
use attune_supervise::{Drain, Life};

use crate::executions::{Books, Count, Offer, StopTaking};
use crate::hearing::{Meaning, meaning};
use crate::heartbeat::BeatNow;
use crate::identity::Identity;

/// These deliveries are done with.
pub(crate) struct Acknowledge(pub(crate) Vec<DeliveryTag>);

impl Message for Acknowledge {
    type Result = ();
}

/// What survives its crashes.
pub(crate) struct ConsumerDeps {
    pub(crate) identity: Identity,
    pub(crate) link: Arc<dyn ConsumerLink>,
    pub(crate) books: Arc<Books>,
    pub(crate) offers: Recipient<Offer>,
    pub(crate) stop_taking: Recipient<StopTaking>,
    pub(crate) beat_now: Recipient<BeatNow>,
}

/// The actor that turns deliveries into offers.
pub(crate) struct Consumer {
    deps: ConsumerDeps,
    life: Life<Self>,
}

impl Consumer {
    pub(crate) const fn new(deps: ConsumerDeps, life: Life<Self>) -> Self {
        Self { deps, life }
    }

    fn listen(&self, context: &mut Context<Self>) {
        let link = Arc::clone(&self.deps.link);
        let next = async move { link.next().await };
        context.spawn(next.into_actor(self).map(|event, actor, context| actor.hear(event, context)));
    }

    fn hear(&mut self, event: LinkEvent, context: &mut Context<Self>) {
        match event {
            LinkEvent::Delivery(delivery) => self.deliver(&delivery),
            LinkEvent::Connected(identity) => {
                tracing::info!(connection = %identity.connection_name, consumer.tag = %identity.consumer_tag, generation = identity.generation, "consuming");
                // What was published before there was a queue came back to the server; the beat brings it without
                // waiting for its turn.
                self.deps.beat_now.do_send(BeatNow);
            }
            LinkEvent::Lost { reason } => {
                self.deps.books.counters.add(Count::LinkLost);
                tracing::warn!(%reason, "connection to the broker lost; work comes with the heartbeat until it is back");
            }
            LinkEvent::Closed => {
                self.life.fail(context, "the link was closed by somebody else");
                return;
            }
        }
        self.listen(context);
    }

    fn deliver(&self, delivery: &Delivery) {
        let Identity { id, incarnation } = self.deps.identity;
        match meaning(&delivery.envelope.payload, id, incarnation) {
            Meaning::Offer(key) => self.deps.offers.do_send(Offer { key, tag: Some(delivery.tag) }),
            Meaning::Beat => {
                self.deps.beat_now.do_send(BeatNow);
                self.settle(vec![delivery.tag]);
            }
            Meaning::Nothing => {
                self.deps.books.counters.add(Count::Refused);
                tracing::debug!("message refused: not for this life of this worker");
                self.settle(vec![delivery.tag]);
            }
        }
    }

    fn settle(&self, tags: Vec<DeliveryTag>) {
        let link = Arc::clone(&self.deps.link);
        // On the runtime rather than in this actor: an acknowledgement that is owed is given also when it crashes.
        tokio::spawn(acknowledge(link, tags));
    }
}

async fn acknowledge(link: Arc<dyn ConsumerLink>, tags: Vec<DeliveryTag>) {
    for tag in tags {
        if link.acknowledge(tag).await == Settled::Stale {
            tracing::debug!(?tag, "delivery belongs to an earlier connection; it comes again and is refused then");
        }
    }
}

impl Actor for Consumer {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        if self.life.number() > 0 {
            for delivery in self.deps.link.unsettled() {
                self.deliver(&delivery);
            }
        }
        self.listen(context);
    }
}

impl Supervised for Consumer {}

impl Handler<Acknowledge> for Consumer {
    type Result = ();

    fn handle(&mut self, Acknowledge(tags): Acknowledge, _: &mut Self::Context) {
        self.settle(tags);
    }
}

impl Handler<Drain> for Consumer {
    type Result = ();

    fn handle(&mut self, _: Drain, context: &mut Self::Context) {
        let (link, stop_taking) = (Arc::clone(&self.deps.link), self.deps.stop_taking.clone());
        let leaving = async move {
            link.pause().await;
            if let Ok(tags) = stop_taking.send(StopTaking).await {
                acknowledge(Arc::clone(&link), tags).await;
            }
            link.close().await;
        };
        context.spawn(leaving.into_actor(self).map(|(), _, context| context.stop()));
    }
}
