//! The handle of a consumer at RabbitMQ.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lapin::Acker;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use tokio::sync::watch;

use super::closing::until;
use crate::mailbox::Mailbox;
use crate::queue::{ConsumerLink, Delivery, DeliveryTag, LinkEvent, LinkIdentity, Settled};

/// A settlement leaves at once unless the socket is stuck.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(5);

/// What the owner of a link wants of its task, each including the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// Consume.
    Consume,
    /// Stop delivering, keep the connection.
    Pause,
    /// End.
    Close,
}

/// What a link and its task share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) mailbox: Mailbox,
    /// The client's handles for what is unsettled on the present connection. Changed only under the ledger's lock.
    pub(crate) ackers: Mutex<HashMap<u64, Acker>>,
    pub(crate) parked: AtomicU64,
    /// The newest generation that somebody has doubts about.
    pub(crate) doubted: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            mailbox: Mailbox::default(),
            ackers: Mutex::default(),
            parked: AtomicU64::new(0),
            doubted: watch::Sender::new(0),
        }
    }

    /// The present connection is gone.
    pub(crate) fn lost(&self, reason: String) {
        self.mailbox.update(|ledger| {
            self.with_ackers(HashMap::clear);
            ledger.lost(reason);
        });
    }

    /// Nothing follows.
    pub(crate) fn closed(&self) {
        self.mailbox.update(|ledger| {
            self.with_ackers(HashMap::clear);
            ledger.close();
        });
    }

    /// A message came.
    pub(crate) fn delivered(&self, delivery: Delivery, acker: Acker) {
        self.mailbox.update(|ledger| {
            self.with_ackers(|ackers| ackers.insert(delivery.tag.number, acker));
            ledger.delivered(delivery);
        });
    }

    /// The handles of what no reader has seen.
    pub(crate) fn take_unseen(&self) -> Vec<Acker> {
        self.mailbox.update(|ledger| {
            let unseen = ledger.take_unseen();
            self.with_ackers(|ackers| {
                unseen.iter().filter_map(|delivery| ackers.remove(&delivery.tag.number)).collect()
            })
        })
    }

    fn take(&self, tag: DeliveryTag) -> Option<Acker> {
        let mut ledger = self.mailbox.ledger();
        ledger.settle(tag)?;
        self.with_ackers(|ackers| ackers.remove(&tag.number))
    }

    fn with_ackers<T>(&self, change: impl FnOnce(&mut HashMap<u64, Acker>) -> T) -> T {
        change(&mut self.ackers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A consumer at RabbitMQ. Its task does the work; dropping this ends it.
#[derive(Debug)]
pub(crate) struct RabbitLink {
    shared: Arc<Shared>,
    orders: watch::Sender<Order>,
    /// What the task has done of it.
    obeyed: watch::Receiver<Order>,
    /// The queue lives as long as a link of it.
    _closing: Arc<watch::Sender<bool>>,
}

impl RabbitLink {
    pub(crate) fn new(
        shared: Arc<Shared>,
        orders: watch::Sender<Order>,
        obeyed: watch::Receiver<Order>,
        closing: Arc<watch::Sender<bool>>,
    ) -> Self {
        Self { shared, orders, obeyed, _closing: closing }
    }

    async fn order(&self, order: Order) {
        self.orders.send_if_modified(|present| {
            let stronger = order > *present;
            *present = order.max(*present);
            stronger
        });
        // A task that is gone has nothing left to do.
        until(&mut self.obeyed.clone(), |obeyed| *obeyed >= order).await;
    }

    /// The books and the first step of the settlement happen in one poll, so a caller that is cancelled in between
    /// leaves either both or none.
    async fn settle(&self, tag: DeliveryTag, settlement: impl AsyncFnOnce(&Acker) -> lapin::Result<bool>) -> Settled {
        let Some(acker) = self.shared.take(tag) else { return Settled::Stale };
        match tokio::time::timeout(SETTLE_TIMEOUT, settlement(&acker)).await {
            Ok(Ok(true)) => Settled::Done,
            // The client did not take it: whatever it says about the connection, we do not believe it any more.
            Ok(Ok(false) | Err(_)) | Err(_) => {
                self.shared.doubted.send_modify(|doubted| *doubted = (*doubted).max(tag.generation));
                Settled::Stale
            }
        }
    }
}

#[async_trait]
impl ConsumerLink for RabbitLink {
    async fn next(&self) -> LinkEvent {
        self.shared.mailbox.next().await
    }

    async fn acknowledge(&self, tag: DeliveryTag) -> Settled {
        self.settle(tag, async |acker: &Acker| acker.ack(BasicAckOptions::default()).await).await
    }

    async fn requeue(&self, tag: DeliveryTag) -> Settled {
        let give_back = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
        self.settle(tag, async move |acker: &Acker| acker.nack(give_back).await).await
    }

    fn unsettled(&self) -> Vec<Delivery> {
        self.shared.mailbox.ledger().unsettled()
    }

    fn identity(&self) -> Option<LinkIdentity> {
        self.shared.mailbox.ledger().identity().cloned()
    }

    fn parked(&self) -> u64 {
        self.shared.parked.load(Ordering::Relaxed)
    }

    async fn pause(&self) {
        self.order(Order::Pause).await;
    }

    async fn close(&self) {
        self.order(Order::Close).await;
    }
}
