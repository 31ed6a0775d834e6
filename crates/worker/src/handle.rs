//! A worker that runs.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use attune_queue::{ConsumerLink, LinkIdentity};
use attune_supervise::{Status, Supervisor, TreeStatus};
use attune_types::{Capabilities, Incarnation, WorkerId};
use serde::Serialize;
use tokio::sync::{mpsc, watch};

use crate::environments::Preparation;
use crate::executions::{Books, Counts};
use crate::identity::Identity;
use crate::overseer::Order;
use crate::pulse::Pulse;
use crate::stop_reason::StopReason;

/// A worker that runs. Dropping it does not stop the worker.
pub struct WorkerHandle {
    name: String,
    identity: Identity,
    capabilities: Capabilities,
    supervisor: Addr<Supervisor>,
    orders: mpsc::UnboundedSender<Order>,
    stopped: watch::Receiver<Option<StopReason>>,
    link: Arc<dyn ConsumerLink>,
    books: Arc<Books>,
    preparation: watch::Receiver<Preparation>,
    pulse: Arc<Pulse>,
}

/// What a worker says about itself.
#[derive(Debug, Clone, Serialize)]
pub struct WorkerStatus {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: WorkerId,
    /// The life it is in.
    pub incarnation: Incarnation,
    /// Its actors; `None` when the tree is down.
    pub tree: Option<TreeStatus>,
    /// How often something happened.
    pub counts: Counts,
    /// How many attempts stand where: waiting, claiming, granted, executing, reporting.
    pub attempts: std::collections::BTreeMap<&'static str, usize>,
    /// Name of the connection to the broker; `None` while there is none.
    pub connection: Option<String>,
    /// Messages that could not be read and were parked.
    pub parked: u64,
}

impl WorkerHandle {
    #[expect(clippy::too_many_arguments, reason = "it is called in one place, with everything a started worker is")]
    pub(crate) const fn new(
        name: String,
        identity: Identity,
        capabilities: Capabilities,
        supervisor: Addr<Supervisor>,
        orders: mpsc::UnboundedSender<Order>,
        stopped: watch::Receiver<Option<StopReason>>,
        link: Arc<dyn ConsumerLink>,
        books: Arc<Books>,
        preparation: watch::Receiver<Preparation>,
        pulse: Arc<Pulse>,
    ) -> Self {
        Self { name, identity, capabilities, supervisor, orders, stopped, link, books, preparation, pulse }
    }

    /// Where the environments stand that are made before the first work.
    #[must_use]
    pub fn preparation(&self) -> watch::Receiver<Preparation> {
        self.preparation.clone()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> WorkerId {
        self.identity.id
    }

    /// The life it is in.
    #[must_use]
    pub const fn incarnation(&self) -> Incarnation {
        self.identity.incarnation
    }

    /// What it offers.
    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The supervisor of its tree. Keep it no longer than the handle: the address keeps the tree alive.
    #[must_use]
    pub fn tree(&self) -> Addr<Supervisor> {
        self.supervisor.clone()
    }

    /// Which connection to the broker it uses; `None` while there is none.
    #[must_use]
    pub fn link(&self) -> Option<LinkIdentity> {
        self.link.identity()
    }

    /// Time since it sent the last heartbeat that the store confirmed.
    #[must_use]
    pub fn silence(&self) -> Duration {
        self.pulse.silence()
    }

    /// How often something happened.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.books.counters.read()
    }

    /// A picture of it at this moment.
    pub async fn status(&self) -> WorkerStatus {
        WorkerStatus {
            name: self.name.clone(),
            id: self.identity.id,
            incarnation: self.identity.incarnation,
            tree: self.supervisor.send(Status).await.ok(),
            counts: self.counts(),
            attempts: self.books.ledger().census(),
            connection: self.link.identity().map(|identity| identity.connection_name),
            parked: self.link.parked(),
        }
    }

    /// Takes no more work, hands back what has not started, gives what runs its time, and leaves: the first signal.
    pub fn drain(&self) {
        self.order(Order::Drain);
    }

    /// Takes no more work, hands back what has not started, and returns when everything that runs has ended, however long
    /// that takes. It is still there then: what follows is [`WorkerHandle::drain`].
    pub async fn retire(&self) {
        const LOOK: Duration = Duration::from_millis(100);
        self.order(Order::Retire);
        loop {
            let is_idle = {
                let ledger = self.books.ledger();
                ledger.in_slots() == 0 && ledger.held().is_empty()
            };
            if self.books.is_leaving() && is_idle && self.books.trees() == 0 {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Gives what runs no more time: the second signal.
    pub fn hurry(&self) {
        self.order(Order::Hurry);
    }

    /// Kills everything and leaves: the third signal.
    pub fn kill(&self) {
        self.order(Order::Kill);
    }

    /// Waits until it has stopped, and says why.
    pub async fn stopped(&self) -> StopReason {
        self.stopping().await
    }

    /// The same for a task of its own: when the thread of the actors is blocked, only that notices.
    pub fn stopping(&self) -> impl Future<Output = StopReason> + Send + use<> {
        let mut stopped = self.stopped.clone();
        async move {
            match stopped.wait_for(Option::is_some).await {
                Ok(reason) => reason.clone().unwrap_or(StopReason::Killed),
                // The overseer answers before it ends; it can only be missing when the runtime was torn down.
                Err(_) => StopReason::Killed,
            }
        }
    }

    fn order(&self, order: Order) {
        // Nobody listens once the worker has stopped, and then there is nothing left to order.
        let _stopped = self.orders.send(order);
    }
}
