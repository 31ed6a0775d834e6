//! The two brokers as the suite sees them.

use std::sync::Arc;

use attune_queue::{ConnectOptions, MemoryQueue, Queue, connect};
use attune_testkit::rabbitmq::TestBroker;

/// A broker for one test.
pub(crate) trait Broker: Sized {
    async fn start() -> Self;
    fn queue(&self) -> &Arc<dyn Queue>;
    /// Breaks every connection; they may be made again at once.
    async fn break_connections(&self);
    /// Closes the queue and looks whether everything is tidy.
    async fn finish(self) {
        self.queue().close().await;
    }
}

pub(crate) struct Memory {
    memory: MemoryQueue,
    queue: Arc<dyn Queue>,
}

impl Broker for Memory {
    async fn start() -> Self {
        let memory = MemoryQueue::new();
        Self { queue: Arc::new(memory.clone()), memory }
    }

    fn queue(&self) -> &Arc<dyn Queue> {
        &self.queue
    }

    async fn break_connections(&self) {
        self.memory.break_connections();
    }
}

/// The virtual host checks when it is dropped that nothing is unacknowledged.
pub(crate) struct Rabbit {
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) broker: TestBroker,
}

impl Rabbit {
    pub(crate) async fn on(broker: TestBroker) -> Self {
        let options = ConnectOptions { name: "conformance".into(), ..ConnectOptions::default() };
        let queue = connect(broker.url(), options).await.expect("the broker answers");
        Self { queue, broker }
    }
}

impl Broker for Rabbit {
    async fn start() -> Self {
        Self::on(TestBroker::create().await).await
    }

    fn queue(&self) -> &Arc<dyn Queue> {
        &self.queue
    }

    async fn break_connections(&self) {
        assert!(self.broker.close_all_connections().await > 0, "there were connections");
    }
}
