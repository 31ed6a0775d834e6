//! What must exist at the broker. Declaring it again is free, so every new connection does.

use attune_types::WorkerId;
use attune_types::message::{EXCHANGE, PARKING_QUEUE, cancel_key, scheduled_key, worker_queue};
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

use super::dial_error::DialError;

/// A worker's queue that nobody used for a day is gone: 24 h in milliseconds.
const EXPIRES_MS: i32 = 24 * 60 * 60 * 1000;

/// After so many deliveries without an acknowledgement a message is parked. Broken connections count, hence not few; the
/// broker's own default depends on its version, and newer ones drop silently where no dead letters are set.
const DELIVERY_LIMIT: i32 = 20;

/// The exchange and the parking queue.
pub(crate) async fn declare_shared(channel: &Channel) -> Result<(), DialError> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel
        .exchange_declare(EXCHANGE.into(), ExchangeKind::Topic, durable, FieldTable::default())
        .await
        .map_err(DialError::while_doing("declaring the exchange attune.executions"))?;
    channel
        .queue_declare(PARKING_QUEUE.into(), durable_queue(), quorum())
        .await
        .map_err(DialError::while_doing("declaring the queue attune.parking"))?;
    Ok(())
}

/// A worker's queue and its bindings.
pub(crate) async fn declare_worker(channel: &Channel, worker: WorkerId) -> Result<(), DialError> {
    let queue = worker_queue(worker);
    let mut arguments = quorum();
    arguments.insert("x-expires".into(), AMQPValue::LongInt(EXPIRES_MS));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(DELIVERY_LIMIT));
    arguments.insert("x-dead-letter-exchange".into(), AMQPValue::LongString("".into()));
    arguments.insert("x-dead-letter-routing-key".into(), AMQPValue::LongString(PARKING_QUEUE.into()));
    channel
        .queue_declare(queue.as_str().into(), durable_queue(), arguments)
        .await
        .map_err(DialError::while_doing("declaring a worker's queue"))?;
    for key in [scheduled_key(worker), cancel_key(worker)] {
        bind(channel, &queue, &key).await?;
    }
    Ok(())
}

/// A queue that lives and dies with its connection, for facts of some types. Answers its name.
pub(crate) async fn declare_facts(channel: &Channel, types: &[String]) -> Result<String, DialError> {
    let own = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    let mut arguments = FieldTable::default();
    // A reader that is too slow loses the oldest facts instead of filling the broker.
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(10_000));
    let queue = channel
        .queue_declare("".into(), own, arguments)
        .await
        .map_err(DialError::while_doing("declaring a queue for facts"))?;
    let name = queue.name().to_string();
    for key in types {
        bind(channel, &name, key).await?;
    }
    Ok(name)
}

async fn bind(channel: &Channel, queue: &str, key: &str) -> Result<(), DialError> {
    channel
        .queue_bind(queue.into(), EXCHANGE.into(), key.into(), QueueBindOptions::default(), FieldTable::default())
        .await
        .map_err(DialError::while_doing("binding a queue"))
}

fn durable_queue() -> QueueDeclareOptions {
    QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() }
}

fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments
}
