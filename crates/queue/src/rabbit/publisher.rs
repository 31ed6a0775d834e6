//! The connection that messages leave through.

use std::sync::Arc;
use std::time::Duration;

use attune_types::Envelope;
use attune_types::message::{EXCHANGE, PARKING_QUEUE};
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Confirmation, ExchangeKind};
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::{Instant, timeout_at};

use super::backoff::Backoff;
use super::closing::closed;
use super::dial_error::DialError;
use super::dialer::Dialer;
use super::wire::Wire;
use super::{body, topology, wire_form};
use crate::doubt::confirm_timeout_of;
use crate::error::QueueError;
use crate::queue::Published;

/// For one answer of the broker that is no confirm.
const ANSWER: Duration = Duration::from_secs(5);
/// How often the client is asked whether it still thinks that it is connected.
const GLANCE: Duration = Duration::from_secs(1);

/// Publishes over one connection, which is replaced after any doubt.
#[derive(Debug)]
pub(crate) struct Publisher {
    lines: watch::Receiver<Option<Line>>,
    address: String,
    /// For a whole batch, from the call to the last answer.
    confirm_timeout: Duration,
}

/// A connection that is ready to publish.
#[derive(Debug, Clone)]
struct Line {
    channel: Channel,
    /// Held while frames are handed to the client: it numbers a message and queues its frames in two steps, and two
    /// publishers in between would get each other's confirms.
    issuing: Arc<Mutex<()>>,
    doubt: Arc<Notify>,
}

impl Publisher {
    /// Connects for the first time, until `deadline`; then keeps the connection until `closing`.
    pub(crate) async fn start(
        dialer: Dialer,
        deadline: Duration,
        confirm_timeout: Duration,
        closing: watch::Receiver<bool>,
    ) -> Result<(Self, tokio::task::JoinHandle<()>), QueueError> {
        let address = dialer.shown();
        let give_up = Instant::now() + deadline;
        let mut backoff = Backoff::default();
        let first = loop {
            match timeout_at(give_up, connect(&dialer)).await {
                Ok(Ok(connected)) => break connected,
                Ok(Err(error)) if error.is_final() || Instant::now() >= give_up => {
                    return Err(error.into_queue_error(address));
                }
                Ok(Err(error)) => {
                    tracing::warn!(broker.address = %address, reason = %error, "the broker does not answer yet");
                    let pause = backoff.next();
                    if Instant::now() + pause >= give_up {
                        let reason = format!("{error}, for {} s", deadline.as_secs());
                        return Err(QueueError::Unreachable { address, reason });
                    }
                    tokio::time::sleep(pause).await;
                }
                Err(_) => {
                    let reason = format!("no answer for {} s", deadline.as_secs());
                    return Err(QueueError::Unreachable { address, reason });
                }
            }
        };
        let (sender, lines) = watch::channel(Some(first.1.clone()));
        let task = tokio::spawn(keep(dialer, first, sender, closing));
        Ok((Self { lines, address, confirm_timeout }, task))
    }

    /// See [`crate::Queue::publish`].
    pub(crate) async fn publish(&self, messages: &[Envelope]) -> Vec<Published> {
        let deadline = Instant::now() + confirm_timeout_of(self.confirm_timeout);
        let unknown = |reason: &str| Published::Unknown { reason: reason.to_owned() };
        if messages.is_empty() {
            return Vec::new();
        }
        let line = match timeout_at(deadline, self.line()).await {
            Ok(Some(line)) => line,
            Ok(None) => return messages.iter().map(|_| unknown("the queue is closed")).collect(),
            Err(_) => return messages.iter().map(|_| unknown("there is no connection to the broker")).collect(),
        };
        // Answers are written from inside, so that a timeout keeps those that came.
        let mut answers: Vec<Option<Published>> = vec![None; messages.len()];
        let in_time = timeout_at(deadline, line.publish(messages, &mut answers)).await.is_ok();
        if !in_time || answers.iter().flatten().any(|answer| matches!(answer, Published::Unknown { .. })) {
            line.doubt.notify_one();
        }
        let late = format!("no confirm within {} ms", self.confirm_timeout.as_millis());
        answers.into_iter().map(|answer| answer.unwrap_or_else(|| unknown(&late))).collect()
    }

    /// See [`crate::Queue::ping`].
    pub(crate) async fn ping(&self) -> Result<(), QueueError> {
        self.ask("answering a ping", |channel| async move {
            let passive = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
            channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Topic, passive, FieldTable::default()).await
        })
        .await
    }

    /// See [`crate::Queue::parked`].
    pub(crate) async fn parked(&self) -> Result<u64, QueueError> {
        self.ask("counting parked messages", |channel| async move {
            let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let queue = channel.queue_declare(PARKING_QUEUE.into(), passive, FieldTable::default()).await?;
            Ok(u64::from(queue.message_count()))
        })
        .await
    }

    /// Asks the broker something on the present connection.
    async fn ask<T, Asking>(
        &self,
        doing: &'static str,
        question: impl FnOnce(Channel) -> Asking,
    ) -> Result<T, QueueError>
    where
        Asking: Future<Output = lapin::Result<T>>,
    {
        let asked = async {
            let line = self.line().await.ok_or(QueueError::Closed)?;
            question(line.channel.clone()).await.map_err(|source| {
                line.doubt.notify_one();
                QueueError::Refused { address: self.address.clone(), doing, source }
            })
        };
        match tokio::time::timeout(ANSWER, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(QueueError::Unreachable {
                address: self.address.clone(),
                reason: "no answer within 5 s".to_owned(),
            }),
        }
    }

    /// The present connection; waits for one. `None` when there will be none any more.
    async fn line(&self) -> Option<Line> {
        let mut lines = self.lines.clone();
        lines.wait_for(Option::is_some).await.ok().and_then(|line| line.clone())
    }
}

impl Line {
    async fn publish(&self, messages: &[Envelope], answers: &mut [Option<Published>]) {
        let issued = {
            let _issuing = self.issuing.lock().await;
            // Every future hands its frames over when it is first polled, so the batch leaves in one go and in order.
            join_all(messages.iter().map(|message| self.issue(message))).await
        };
        let mut confirms: FuturesUnordered<_> = issued
            .into_iter()
            .enumerate()
            .map(|(index, issued)| async move {
                match issued {
                    Ok(confirm) => (index, judge(confirm.await)),
                    Err(reason) => (index, Judged::Plain(Published::Unknown { reason })),
                }
            })
            .collect();
        while let Some((index, judged)) = confirms.next().await {
            let (message_id, reason) = match judged {
                // What was returned stays returned, whichever confirm told of it.
                Judged::Plain(answer) => {
                    answers[index].get_or_insert(answer);
                    continue;
                }
                Judged::Returned { message_id, reason } => (message_id, reason),
            };
            // The client hands a return to whichever confirm it resolves next: when one frame confirms several messages
            // that need not be the returned message's own. The message's id tells.
            let meant = messages.iter().position(|message| message_id.as_deref() == Some(message.message_id.as_str()));
            answers[meant.unwrap_or(index)] = Some(Published::Returned { reason });
            if meant.is_some_and(|meant| meant != index) {
                answers[index].get_or_insert(Published::Confirmed);
            }
        }
    }

    async fn issue(
        &self,
        message: &Envelope,
    ) -> Result<impl Future<Output = lapin::Result<Confirmation>> + use<>, String> {
        let body = body::write(message)?;
        let options =
            BasicPublishOptions { mandatory: message.payload.must_be_routed(), ..BasicPublishOptions::default() };
        let key = message.payload.routing_key();
        let properties = wire_form::properties(message);
        let issued = self.channel.basic_publish(EXCHANGE.into(), key.into(), options, &body, properties).await;
        issued.map_err(|error| error.to_string())
    }
}

/// What one confirm says.
enum Judged {
    /// Something about the message it was awaited for.
    Plain(Published),
    /// That a message, not necessarily that one, was returned.
    Returned { message_id: Option<String>, reason: String },
}

/// A confirm says that the broker took it; only the absence of a return says that a queue has it.
fn judge(confirm: lapin::Result<Confirmation>) -> Judged {
    Judged::Plain(match confirm {
        Ok(Confirmation::Ack(None)) => Published::Confirmed,
        Ok(Confirmation::Ack(Some(returned))) => {
            let message_id = returned.delivery.properties.message_id().as_ref().map(ToString::to_string);
            return Judged::Returned { message_id, reason: format!("{} {}", returned.reply_code, returned.reply_text) };
        }
        Ok(Confirmation::Nack(_)) => Published::Unknown { reason: "the broker could not store it".to_owned() },
        Ok(Confirmation::NotRequested) => Published::Unknown { reason: "confirms are not on".to_owned() },
        Err(error) => Published::Unknown { reason: error.to_string() },
    })
}

async fn connect(dialer: &Dialer) -> Result<(Wire, Line), DialError> {
    let wire = dialer.dial("publisher").await?;
    let channel = wire.connection().create_channel().await.map_err(DialError::while_doing("opening a channel"))?;
    topology::declare_shared(&channel).await?;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await
        .map_err(DialError::while_doing("turning confirms on"))?;
    let line = Line { channel, issuing: Arc::default(), doubt: Arc::default() };
    Ok((wire, line))
}

/// Keeps a connection until the queue is closed.
async fn keep(
    dialer: Dialer,
    first: (Wire, Line),
    lines: watch::Sender<Option<Line>>,
    mut closing: watch::Receiver<bool>,
) {
    let mut backoff = Backoff::default();
    let mut connected = Some(first);
    loop {
        if let Some((wire, line)) = connected.take() {
            let begun = Instant::now();
            lines.send_replace(Some(line.clone()));
            let reason = tokio::select! {
                () = closed(&mut closing) => {
                    lines.send_replace(None);
                    drop(lines);
                    wire.close().await;
                    return;
                }
                () = line.doubt.notified() => "a message was not confirmed",
                () = until_disconnected(&wire, &line.channel) => "the connection ended",
            };
            lines.send_replace(None);
            tracing::warn!(broker.address = %dialer.shown(), reason, "rebuilding the connection for publishing");
            backoff.lived(begun.elapsed());
        }
        let pause = backoff.next();
        tokio::select! {
            () = closed(&mut closing) => return,
            () = tokio::time::sleep(pause) => {}
        }
        let rebuilt = tokio::select! {
            () = closed(&mut closing) => return,
            rebuilt = tokio::time::timeout(super::station::DEADLINE, connect(&dialer)) => rebuilt,
        };
        match rebuilt {
            Ok(Ok(rebuilt)) => {
                tracing::info!(broker.address = %dialer.shown(), "publishing again");
                connected = Some(rebuilt);
            }
            Ok(Err(error)) => {
                tracing::debug!(broker.address = %dialer.shown(), reason = %error, "the broker does not answer");
            }
            Err(_) => tracing::debug!(broker.address = %dialer.shown(), "the broker does not answer"),
        }
    }
}

/// The client's own view; it is told of a broken socket and of missed heartbeats.
async fn until_disconnected(wire: &Wire, channel: &Channel) {
    while wire.connection().status().connected() && channel.status().connected() {
        tokio::time::sleep(GLANCE).await;
    }
}
