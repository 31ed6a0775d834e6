//! One life of a consumer: its connection, its channels and the stream of deliveries.

use std::time::Duration;

use attune_types::message::{PARKING_QUEUE, worker_queue};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Confirmation, Consumer};
use tokio::time::timeout;

use super::dial_error::DialError;
use super::dialer::Dialer;
use super::wire::Wire;
use super::{topology, wire_form};
use crate::queue::ConsumeOptions;

/// For everything between having an address and being ready; the handshake has its own, shorter one inside.
pub(crate) const DEADLINE: Duration = Duration::from_secs(25);
/// For one answer of the broker on a connection that works.
const ANSWER: Duration = Duration::from_secs(5);

/// A consumer at work.
#[derive(Debug)]
pub(crate) struct Station {
    wire: Wire,
    deliveries: Channel,
    /// For what must not disturb deliveries, since an error closes a channel: parking and probing.
    side: Channel,
    pub(crate) consumer: Consumer,
    queue: String,
}

impl Station {
    /// Connects, declares whatever is missing and begins to consume.
    pub(crate) async fn establish(dialer: &Dialer, options: &ConsumeOptions) -> Result<Self, DialError> {
        let slow = |_| DialError::Unreachable(format!("not ready within {} s", DEADLINE.as_secs()));
        timeout(DEADLINE, Self::build(dialer, options)).await.map_err(slow)?
    }

    async fn build(dialer: &Dialer, options: &ConsumeOptions) -> Result<Self, DialError> {
        let opening = || DialError::while_doing("opening a channel");
        let wire = dialer.dial(&format!("consumer {}", options.worker_name)).await?;
        let deliveries = wire.connection().create_channel().await.map_err(opening())?;
        topology::declare_shared(&deliveries).await?;
        topology::declare_worker(&deliveries, options.worker).await?;
        let side = wire.connection().create_channel().await.map_err(opening())?;
        side.confirm_select(ConfirmSelectOptions::default())
            .await
            .map_err(DialError::while_doing("turning confirms on"))?;
        deliveries
            .basic_qos(options.prefetch.max(1), BasicQosOptions::default())
            .await
            .map_err(DialError::while_doing("setting the prefetch"))?;
        let queue = worker_queue(options.worker);
        let consumer = deliveries
            .basic_consume(queue.as_str().into(), "".into(), BasicConsumeOptions::default(), FieldTable::default())
            .await
            .map_err(DialError::while_doing("beginning to consume"))?;
        Ok(Self { wire, deliveries, side, consumer, queue })
    }

    /// Its connection's name at the broker.
    pub(crate) fn connection_name(&self) -> &str {
        self.wire.name()
    }

    /// What the client itself says is wrong.
    pub(crate) fn complaint(&self) -> Option<&'static str> {
        if !self.wire.connection().status().connected() {
            Some("the connection ended")
        } else if !self.deliveries.status().connected() || !self.side.status().connected() {
            Some("a channel was closed")
        } else {
            None
        }
    }

    /// Asks the broker whether the queue is there. The client's own view is not enough: nothing tells it of a broker
    /// that stands still, until heartbeats are missed.
    pub(crate) async fn probe(&self) -> Result<(), String> {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let asked = self.side.queue_declare(self.queue.as_str().into(), passive, FieldTable::default());
        match timeout(ANSWER, asked).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {} s", ANSWER.as_secs())),
        }
    }

    /// Moves a message that cannot be read to the parking queue, and only then off its own.
    pub(crate) async fn park(&self, delivery: &Delivery, reason: &str) -> Result<(), String> {
        let properties = wire_form::parked_properties(reason, &self.queue, delivery.routing_key.as_str());
        let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let parked = async {
            let confirm =
                self.side.basic_publish("".into(), PARKING_QUEUE.into(), mandatory, &delivery.data, properties).await?;
            match confirm.await? {
                Confirmation::Ack(None) => delivery.acker.ack(BasicAckOptions::default()).await,
                _ => Ok(false),
            }
        };
        match timeout(ANSWER, parked).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err("a message could not be parked".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("a message was not parked in time".to_owned()),
        }
    }

    /// Stops the stream; the channel stays, so that deliveries can be settled.
    pub(crate) async fn cancel(&self) -> Result<(), String> {
        let cancelled = self.deliveries.basic_cancel(self.consumer.tag(), BasicCancelOptions::default());
        match timeout(ANSWER, cancelled).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err("the consumer was not cancelled in time".to_owned()),
        }
    }

    /// Says goodbye; what is unsettled goes back to the queue.
    pub(crate) async fn close(self) {
        self.wire.close().await;
    }
}
