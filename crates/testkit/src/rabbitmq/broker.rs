//! A virtual host for one test.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use super::control::Control;
use super::node::{CONTROL_VARIABLE, RabbitNode, URL_VARIABLE};
use super::queue_counts::QueueCounts;
use crate::eventually;
use crate::start_error::StartError;

/// How long settlements and closed connections may take to reach the queues before a test is called unclean.
const GRACE: Duration = Duration::from_secs(10);

/// The node that the tests of this process share. Never dropped: its guard ends it when the process is gone.
static SHARED: OnceCell<Shared> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(1);

/// Where the shared node is, and the node itself when it is ours.
#[derive(Debug)]
struct Shared {
    url: String,
    control: Control,
    _node: Option<RabbitNode>,
}

/// An empty virtual host of its own. When it is dropped, nothing in it may be unacknowledged any more; then it is
/// deleted.
#[derive(Debug)]
pub struct TestBroker {
    url: String,
    vhost: String,
    control: Control,
    node: Option<RabbitNode>,
    may_leave_unacknowledged: AtomicBool,
}

impl TestBroker {
    /// Makes one on the node that all tests of this process share, or on the one `ATTUNE_TEST_AMQP_URL` names.
    ///
    /// # Panics
    /// When there is no broker and none can be started; the message says what to do.
    pub async fn create() -> Self {
        let shared = SHARED.get_or_try_init(|| async {
            match (std::env::var(URL_VARIABLE), std::env::var(CONTROL_VARIABLE)) {
                (Ok(url), Ok(directory)) => {
                    let url = url.trim_end_matches('/').to_owned();
                    Ok(Shared { url, control: Control::new(&PathBuf::from(directory)), _node: None })
                }
                (Ok(_), Err(_)) => panic!(
                    "{URL_VARIABLE} is set without {CONTROL_VARIABLE}: tests make virtual hosts and break connections, \
                     so they must be able to drive the broker; run them through with-services, or set neither"
                ),
                (Err(_), _) => {
                    let node = RabbitNode::start().await?;
                    Ok(Shared { url: node.url(), control: node.control(), _node: Some(node) })
                }
            }
        });
        match shared.await {
            Ok(shared) => Self::on(&shared.url, shared.control.clone(), None).await,
            Err(error) => StartError::abort_test(&error),
        }
    }

    /// Makes one on a node of its own, which this test may stop, freeze and kill.
    ///
    /// # Panics
    /// When no broker can be started; the message says what to do.
    pub async fn alone() -> Self {
        match RabbitNode::start().await {
            Ok(node) => Self::on(&node.url(), node.control(), Some(node)).await,
            Err(error) => error.abort_test(),
        }
    }

    async fn on(url: &str, control: Control, node: Option<RabbitNode>) -> Self {
        let vhost = format!("attune-test-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let url = format!("{url}/{vhost}");
        let made = Self { url, vhost, control, node, may_leave_unacknowledged: AtomicBool::new(false) };
        made.drive(Control::add_vhost).await;
        made
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Name of the virtual host.
    #[must_use]
    pub fn vhost(&self) -> &str {
        &self.vhost
    }

    /// The node, when it is this test's own.
    #[must_use]
    pub fn node(&self) -> Option<&RabbitNode> {
        self.node.as_ref()
    }

    /// Closes every connection to the virtual host from the broker's side; answers how many there were.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub async fn close_all_connections(&self) -> u64 {
        self.drive(Control::close_connections).await
    }

    /// The queues of the virtual host with what they hold now.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub async fn list_queues(&self) -> Vec<QueueCounts> {
        self.drive(Control::queues).await
    }

    /// One queue, if it exists.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub async fn queue(&self, name: &str) -> Option<QueueCounts> {
        self.list_queues().await.into_iter().find(|queue| queue.name == name)
    }

    /// Deletes a queue with everything in it.
    ///
    /// # Panics
    /// When there is none.
    pub async fn delete_queue(&self, name: &str) {
        let name = name.to_owned();
        self.drive(move |control, vhost| control.delete_queue(vhost, &name)).await;
    }

    /// Deletes the virtual host with everything in it: queues, bindings, messages. Its connections are closed.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub async fn delete(&self) {
        self.drive(Control::delete_vhost).await;
    }

    /// Makes the virtual host again after [`delete`](Self::delete), empty.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub async fn create_again(&self) {
        self.drive(Control::add_vhost).await;
    }

    /// Stops the broker, not its machine; only on a node of its own.
    ///
    /// # Panics
    /// On a shared node.
    pub async fn stop_app(&self) {
        self.own_node();
        self.drive(|control, _| control.evaluate("rabbit:stop(), \"done\"")).await;
        eventually("the broker to be stopped", GRACE, async || {
            (self.evaluate("atom_to_list(rabbit:is_running())").await == "false").then_some(())
        })
        .await;
    }

    /// Starts the broker after [`stop_app`](Self::stop_app). Asks more than once: what had to stop may still be stopping,
    /// and starting into that fails.
    ///
    /// # Panics
    /// On a shared node.
    pub async fn start_app(&self) {
        self.own_node();
        eventually("the broker to be started", 3 * GRACE, async || {
            let start = "(catch rabbit:start()), atom_to_list(rabbit:is_running())";
            (self.evaluate(start).await == "true").then_some(())
        })
        .await;
    }

    /// Kills the node with SIGKILL and starts it again; only on a node of its own.
    ///
    /// # Panics
    /// On a shared node, or when it does not come back.
    pub async fn restart(&self) {
        let node = self.own_node();
        let done = async {
            node.crash()?;
            node.start_again().await
        };
        done.await.unwrap_or_else(|error: StartError| error.abort_test());
    }

    /// Evaluates Erlang on the node; the last expression must be a string.
    ///
    /// # Panics
    /// When the node does not answer.
    pub async fn evaluate(&self, expressions: &str) -> String {
        let expressions = expressions.to_owned();
        self.drive(move |control, _| control.evaluate(&expressions)).await
    }

    /// For a test whose point is that something stays unacknowledged.
    pub fn may_leave_unacknowledged(&self) {
        self.may_leave_unacknowledged.store(true, Ordering::Relaxed);
    }

    fn own_node(&self) -> &RabbitNode {
        match &self.node {
            Some(node) => node,
            None => panic!("other tests use this node: ask for TestBroker::alone()"),
        }
    }

    async fn drive<T, F>(&self, order: F) -> T
    where
        T: Send + 'static,
        F: FnOnce(&Control, &str) -> Result<T, StartError> + Send + 'static,
    {
        let (control, vhost) = (self.control.clone(), self.vhost.clone());
        let done = tokio::task::spawn_blocking(move || order(&control, &vhost)).await;
        match done {
            Ok(answer) => answer.unwrap_or_else(|error| error.abort_test()),
            Err(joined) => std::panic::resume_unwind(joined.into_panic()),
        }
    }

    fn unacknowledged(&self) -> Vec<QueueCounts> {
        // A node that this test stopped has nothing to say.
        let queues = self.control.queues(&self.vhost).unwrap_or_default();
        queues.into_iter().filter(|queue| queue.unacknowledged > 0).collect()
    }
}

impl Drop for TestBroker {
    fn drop(&mut self) {
        if std::thread::panicking() || self.may_leave_unacknowledged.load(Ordering::Relaxed) {
            let _ = self.control.delete_vhost(&self.vhost);
            return;
        }
        let begun = Instant::now();
        let (_sender, never) = mpsc::channel::<()>();
        let mut left = self.unacknowledged();
        while !left.is_empty() && begun.elapsed() < GRACE {
            let _ = never.recv_timeout(Duration::from_millis(50));
            left = self.unacknowledged();
        }
        // What is left of a node that is down goes with its directory.
        let _ = self.control.delete_vhost(&self.vhost);
        assert!(left.is_empty(), "messages are still unacknowledged at the end of the test: {left:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn virtual_hosts_are_separate_and_go_with_their_broker() {
        let (first, second) = (TestBroker::create().await, TestBroker::create().await);
        assert_ne!(first.vhost(), second.vhost());
        assert_eq!(first.list_queues().await, []);
        assert_eq!(first.close_all_connections().await, 0);
        let gone = first.vhost().to_owned();
        drop(first);
        let exists = format!("atom_to_list(rabbit_vhost:exists(<<\"{gone}\">>))");
        assert_eq!(second.evaluate(&exists).await, "false");
    }

    #[tokio::test]
    #[should_panic(expected = "other tests use this node")]
    async fn a_shared_node_is_not_stopped() {
        TestBroker::create().await.stop_app().await;
    }
}
