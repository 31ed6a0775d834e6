//! The task behind a link: connects, delivers, and rebuilds after any doubt.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::BasicNackOptions;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::backoff::Backoff;
use super::body;
use super::closing::{closed, until};
use super::dialer::Dialer;
use super::link::{Order, Shared};
use super::station::Station;
use crate::doubt::{Heard, is_doubt};
use crate::queue::{ConsumeOptions, Delivery, DeliveryTag, LinkIdentity};

/// How often the client is asked for complaints.
const GLANCE: Duration = Duration::from_millis(500);
/// Every so many glances the broker is asked, too: every five seconds.
const GLANCES_PER_PROBE: u32 = 10;

/// Everything the task owns.
pub(crate) struct LinkTask {
    pub(crate) dialer: Dialer,
    pub(crate) options: ConsumeOptions,
    pub(crate) shared: Arc<Shared>,
    pub(crate) orders: watch::Receiver<Order>,
    pub(crate) obeyed: watch::Sender<Order>,
    pub(crate) closing: watch::Receiver<bool>,
}

/// Why a station was left.
enum Left {
    Ordered(Box<Station>),
    Doubt(String),
}

impl LinkTask {
    /// Runs until it is ordered to close or the queue is closed.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::default();
        let mut generation = 0;
        // The first failure is worth an event and a warning; the following ones say the same.
        let mut said = false;
        loop {
            let mut changes = (self.orders.clone(), self.closing.clone());
            let established = tokio::select! {
                () = at_least(&mut changes.0, &mut changes.1, Order::Pause) => None,
                established = Station::establish(&self.dialer, &self.options) => Some(established),
            };
            let reason = match established {
                None => {
                    // Paused without a connection: there is nothing that could still be settled.
                    self.obey(Order::Pause);
                    at_least(&mut self.orders, &mut self.closing, Order::Close).await;
                    break;
                }
                Some(Ok(station)) => {
                    generation += 1;
                    let begun = Instant::now();
                    match self.serve(station, generation).await {
                        Left::Ordered(station) => {
                            station.close().await;
                            break;
                        }
                        Left::Doubt(reason) => {
                            backoff.lived(begun.elapsed());
                            said = false;
                            reason
                        }
                    }
                }
                Some(Err(error)) => error.to_string(),
            };
            if !said {
                said = true;
                let (address, worker) = (self.dialer.shown(), &self.options.worker_name);
                tracing::warn!(broker.address = %address, worker.name = %worker, reason, "not consuming, rebuilding");
                self.shared.lost(reason);
            }
            let pause = backoff.next();
            let mut changes = (self.orders.clone(), self.closing.clone());
            tokio::select! {
                () = at_least(&mut changes.0, &mut changes.1, Order::Pause) => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.shared.closed();
        self.obey(Order::Close);
    }

    /// One life: delivers until there is an order or a doubt.
    async fn serve(&mut self, mut station: Station, generation: u64) -> Left {
        let identity = LinkIdentity {
            generation,
            connection_name: station.connection_name().to_owned(),
            consumer_tag: station.consumer.tag().to_string(),
        };
        tracing::info!(worker.name = %self.options.worker_name, link.generation = generation, "consuming");
        self.shared.mailbox.update(|ledger| ledger.connected(identity));
        let mut doubted = self.shared.doubted.subscribe();
        let mut glances = interval(GLANCE);
        glances.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut until_probe = GLANCES_PER_PROBE;
        let mut paused = false;
        loop {
            let mut changes = (self.orders.clone(), self.closing.clone());
            let awaited = if paused { Order::Close } else { Order::Pause };
            tokio::select! {
                () = at_least(&mut changes.0, &mut changes.1, awaited) => {
                    if wanted(&self.orders, &self.closing) == Order::Close {
                        return Left::Ordered(Box::new(station));
                    }
                    paused = true;
                    if let Err(reason) = self.pause(&station).await {
                        return Left::Doubt(reason);
                    }
                }
                () = until(&mut doubted, |doubted| *doubted >= generation) => {
                    return Left::Doubt("a settlement was not taken".to_owned());
                }
                delivery = station.consumer.next() => match delivery {
                    Some(Ok(delivery)) => {
                        if let Err(reason) = self.deliver(&station, delivery, generation, paused).await {
                            return Left::Doubt(reason);
                        }
                    }
                    Some(Err(error)) if is_doubt(Heard::Error) => return Left::Doubt(error.to_string()),
                    Some(Err(_)) => {}
                    // A cancelled consumer has an end; it must not be asked again.
                    None if paused => return self.settle_only(station, generation).await,
                    None if is_doubt(Heard::End) => {
                        return Left::Doubt("the stream of deliveries ended".to_owned());
                    }
                    None => return self.settle_only(station, generation).await,
                },
                _ = glances.tick() => {
                    if let Some(complaint) = station.complaint().filter(|_| is_doubt(Heard::Complaint)) {
                        return Left::Doubt(complaint.to_owned());
                    }
                    until_probe -= 1;
                    if until_probe == 0 {
                        until_probe = GLANCES_PER_PROBE;
                        // Deliveries wait meanwhile, at most for the probe's five seconds, in which none would come.
                        if let Err(reason) = station.probe().await {
                            return Left::Doubt(reason);
                        }
                    }
                }
            }
        }
    }

    /// After a pause: keeps the channel for settlements until it is closed or breaks.
    async fn settle_only(&mut self, station: Station, generation: u64) -> Left {
        let mut doubted = self.shared.doubted.subscribe();
        let mut glances = interval(GLANCE);
        let mut changes = (self.orders.clone(), self.closing.clone());
        loop {
            tokio::select! {
                () = at_least(&mut changes.0, &mut changes.1, Order::Close) => return Left::Ordered(Box::new(station)),
                () = until(&mut doubted, |doubted| *doubted >= generation) => {
                    return Left::Doubt("a settlement was not taken".to_owned());
                }
                _ = glances.tick() => if let Some(complaint) = station.complaint() {
                    return Left::Doubt(complaint.to_owned());
                }
            }
        }
    }

    async fn deliver(
        &self,
        station: &Station,
        delivery: lapin::message::Delivery,
        generation: u64,
        paused: bool,
    ) -> Result<(), String> {
        if paused {
            return give_back(&delivery.acker).await;
        }
        match body::read(&delivery.data) {
            Ok(envelope) => {
                let tag = DeliveryTag { generation, number: delivery.delivery_tag };
                let redelivered = delivery.redelivered;
                self.shared.delivered(Delivery { tag, envelope, redelivered }, delivery.acker);
                Ok(())
            }
            Err(reason) => {
                station.park(&delivery, &reason).await?;
                self.shared.parked.fetch_add(1, Ordering::Relaxed);
                let worker = &self.options.worker_name;
                tracing::error!(worker.name = %worker, reason, "parked a message that cannot be read");
                Ok(())
            }
        }
    }

    /// Stops the stream and gives back what no reader has seen.
    async fn pause(&self, station: &Station) -> Result<(), String> {
        let cancelled = station.cancel().await;
        for acker in self.shared.take_unseen() {
            give_back(&acker).await?;
        }
        self.obey(Order::Pause);
        cancelled
    }

    fn obey(&self, order: Order) {
        self.obeyed.send_replace(order);
    }
}

async fn give_back(acker: &lapin::Acker) -> Result<(), String> {
    let requeue = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
    match acker.nack(requeue).await {
        Ok(true) => Ok(()),
        Ok(false) => Err("a delivery could not be given back".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// What is wanted now, by the link's owner or by the queue.
fn wanted(orders: &watch::Receiver<Order>, closing: &watch::Receiver<bool>) -> Order {
    // An owner that dropped the link, or a queue that was dropped, wants nothing more of it.
    let gone = orders.has_changed().is_err() || closing.has_changed().is_err();
    if gone || *closing.borrow() { Order::Close } else { *orders.borrow() }
}

/// Waits until at least `order` is wanted.
async fn at_least(orders: &mut watch::Receiver<Order>, closing: &mut watch::Receiver<bool>, order: Order) {
    tokio::select! {
        // An error says that the other side is gone, which is an order to close.
        () = until(orders, |wanted| *wanted >= order) => {}
        () = closed(closing) => {}
    }
}
