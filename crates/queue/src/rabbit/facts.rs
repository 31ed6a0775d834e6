//! Facts as they pass by.

use std::time::Duration;

use attune_types::Envelope;
use futures_util::StreamExt;
use lapin::options::BasicConsumeOptions;
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use super::backoff::Backoff;
use super::closing::closed;
use super::dial_error::DialError;
use super::dialer::Dialer;
use super::station::DEADLINE;
use super::wire::Wire;
use super::{body, topology};

/// How often the client is asked whether it is still connected.
const GLANCE: Duration = Duration::from_secs(1);

/// Listens until the reader or the queue is gone, over a connection of its own that is rebuilt after any doubt.
pub(crate) struct FactsTask {
    pub(crate) dialer: Dialer,
    pub(crate) types: Vec<String>,
    pub(crate) facts: mpsc::Sender<Envelope>,
    pub(crate) closing: watch::Receiver<bool>,
    /// Told when it listens for the first time.
    pub(crate) listening: Option<oneshot::Sender<()>>,
}

impl FactsTask {
    pub(crate) async fn run(mut self) {
        let mut closing = self.closing.clone();
        let facts = self.facts.clone();
        tokio::select! {
            () = closed(&mut closing) => {}
            () = facts.closed() => {}
            () = self.listen() => {}
        }
    }

    async fn listen(&mut self) {
        let mut backoff = Backoff::default();
        loop {
            let begun = Instant::now();
            let reason = match timeout(DEADLINE, self.establish()).await {
                Ok(Ok((wire, channel, consumer))) => {
                    if let Some(listening) = self.listening.take() {
                        // Whoever asked may have stopped waiting.
                        let _ = listening.send(());
                    }
                    let reason = self.pass_on(&wire, &channel, consumer).await;
                    backoff.lived(begun.elapsed());
                    reason
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the broker does not answer".to_owned(),
            };
            tracing::debug!(broker.address = %self.dialer.shown(), reason, "not listening to facts, rebuilding");
            tokio::time::sleep(backoff.next()).await;
        }
    }

    async fn establish(&self) -> Result<(Wire, Channel, Consumer), DialError> {
        let wire = self.dialer.dial("facts").await?;
        let channel = wire.connection().create_channel().await.map_err(DialError::while_doing("opening a channel"))?;
        topology::declare_shared(&channel).await?;
        let queue = topology::declare_facts(&channel, &self.types).await?;
        // Facts are hints: an acknowledgement would buy nothing.
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let consumer = channel
            .basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default())
            .await
            .map_err(DialError::while_doing("beginning to consume"))?;
        Ok((wire, channel, consumer))
    }

    async fn pass_on(&self, wire: &Wire, channel: &Channel, mut consumer: Consumer) -> String {
        loop {
            tokio::select! {
                delivery = consumer.next() => match delivery {
                    Some(Ok(delivery)) => match body::read(&delivery.data) {
                        Ok(envelope) => if self.facts.try_send(envelope).is_err() {
                            tracing::debug!("a reader of facts is too slow and misses one");
                        },
                        Err(reason) => tracing::debug!(reason, "a fact that cannot be read passed by"),
                    },
                    Some(Err(error)) => return error.to_string(),
                    None => return "the stream of facts ended".to_owned(),
                },
                () = tokio::time::sleep(GLANCE) => {
                    if !wire.connection().status().connected() || !channel.status().connected() {
                        return "the connection ended".to_owned();
                    }
                }
            }
        }
    }
}
