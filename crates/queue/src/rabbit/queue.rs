//! RabbitMQ behind the trait.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use attune_types::Envelope;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::dialer::Dialer;
use super::facts::FactsTask;
use super::link::{Order, RabbitLink, Shared};
use super::link_task::LinkTask;
use super::publisher::Publisher;
use crate::error::QueueError;
use crate::queue::{ConsumeOptions, ConsumerLink, Published, Queue};

/// How many facts may wait for one reader; later ones pass it by.
const FACTS_WAITING: usize = 1024;
/// How long a new reader of facts waits to be listening; after that it begins to listen as soon as possible.
const FACTS_READY: Duration = Duration::from_secs(5);

/// A broker: one connection for publishing, one for each consumer and each reader of facts.
#[derive(Debug)]
pub(crate) struct RabbitQueue {
    dialer: Dialer,
    publisher: Publisher,
    closing: Arc<watch::Sender<bool>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl RabbitQueue {
    /// Connects for the first time, until `deadline`.
    pub(crate) async fn start(
        dialer: Dialer,
        deadline: Duration,
        confirm_timeout: Duration,
    ) -> Result<Self, QueueError> {
        let closing = Arc::new(watch::Sender::new(false));
        let (publisher, task) =
            Publisher::start(dialer.clone(), deadline, confirm_timeout, closing.subscribe()).await?;
        Ok(Self { dialer, publisher, closing, tasks: Mutex::new(vec![task]) })
    }

    fn is_closed(&self) -> bool {
        *self.closing.borrow()
    }

    fn keep(&self, task: JoinHandle<()>) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|task| !task.is_finished());
        tasks.push(task);
    }
}

#[async_trait]
impl Queue for RabbitQueue {
    fn kind(&self) -> &'static str {
        "rabbitmq"
    }

    async fn publish(&self, messages: &[Envelope]) -> Vec<Published> {
        self.publisher.publish(messages).await
    }

    async fn consume(&self, options: ConsumeOptions) -> Result<Arc<dyn ConsumerLink>, QueueError> {
        if self.is_closed() {
            return Err(QueueError::Closed);
        }
        let shared = Arc::new(Shared::new());
        let (orders, ordered) = watch::channel(Order::Consume);
        let (obeyed, done) = watch::channel(Order::Consume);
        let task = LinkTask {
            dialer: self.dialer.clone(),
            options,
            shared: Arc::clone(&shared),
            orders: ordered,
            obeyed,
            closing: self.closing.subscribe(),
        };
        self.keep(tokio::spawn(task.run()));
        Ok(Arc::new(RabbitLink::new(shared, orders, done, Arc::clone(&self.closing))))
    }

    async fn facts(&self, types: &[&str]) -> Result<mpsc::Receiver<Envelope>, QueueError> {
        if self.is_closed() {
            return Err(QueueError::Closed);
        }
        let (facts, receiver) = mpsc::channel(FACTS_WAITING);
        let (listening, ready) = oneshot::channel();
        let task = FactsTask {
            dialer: self.dialer.clone(),
            types: types.iter().map(|kind| (*kind).to_owned()).collect(),
            facts,
            closing: self.closing.subscribe(),
            listening: Some(listening),
        };
        self.keep(tokio::spawn(task.run()));
        // Facts are hints, so a broker that is away is no error: the reader hears what passes after it came back.
        let _ = tokio::time::timeout(FACTS_READY, ready).await;
        Ok(receiver)
    }

    async fn parked(&self) -> Result<u64, QueueError> {
        self.publisher.parked().await
    }

    async fn ping(&self) -> Result<(), QueueError> {
        self.publisher.ping().await
    }

    async fn close(&self) {
        self.closing.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            // Each says goodbye within two seconds; a task that panicked has nothing left to say.
            let _ = task.await;
        }
    }
}
