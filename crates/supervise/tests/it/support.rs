//! What all tests share: a system on a paused clock, conditions, a journal, a captured log.

use std::{
    cell::RefCell,
    future::Future,
    io,
    sync::{Arc, Mutex, Once},
    time::Duration,
};

use actix::{Addr, System};
use attune_supervise::{ChildState, ChildStatus, Policy, Status, Strategy, Supervisor, TreeBuilder, TreeStatus};
use tokio::time::sleep;

/// Runs a test in a system whose clock jumps whenever everybody waits.
pub(crate) fn paused<T>(test: impl Future<Output = T>) -> T {
    listen();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime starts")
    };
    System::with_tokio_rt(runtime).block_on(test)
}

/// A tree that may be crashed.
pub(crate) fn tree(strategy: Strategy) -> TreeBuilder {
    TreeBuilder::new("tree", strategy, Policy::default()).fault_injection(true)
}

pub(crate) async fn status(supervisor: &Addr<Supervisor>) -> TreeStatus {
    supervisor.send(Status).await.expect("the supervisor answers")
}

/// Waits until the child has had this many restarts and is in this state.
pub(crate) async fn child_in(
    supervisor: &Addr<Supervisor>,
    name: &str,
    state: ChildState,
    restarts: u64,
) -> ChildStatus {
    for _ in 0..20_000 {
        let status = status(supervisor).await;
        let child = status.child(name).expect("the child is in the tree").clone();
        if child.state == state && child.restarts == restarts {
            return child;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("`{name}` never was {state:?} with {restarts} restarts: {:?}", status(supervisor).await);
}

/// Waits until the condition holds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..20_000 {
        if condition() {
            return;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} did not happen");
}

/// What happened, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    pub(crate) fn note(&self, entry: impl Into<String>) {
        self.0.lock().expect("the journal is not poisoned").push(entry.into());
    }

    pub(crate) fn entries(&self) -> Vec<String> {
        self.0.lock().expect("the journal is not poisoned").clone()
    }

    pub(crate) fn has(&self, entry: &str) -> bool {
        self.entries().iter().any(|noted| noted == entry)
    }

    pub(crate) fn count(&self, entry: &str) -> usize {
        self.entries().iter().filter(|noted| *noted == entry).count()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().expect("the journal is not poisoned").clear();
    }
}

thread_local! {
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// The log of the present thread, for as long as it lives.
///
/// There is one subscriber for all tests: subscribers that come and go on different threads race for tracing's cache of who is interested.
pub(crate) struct CapturedLog;

/// Writes to the present thread's captured log, or to the output of the test when none is captured.
struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| match log {
            Some(log) => log.extend_from_slice(bytes),
            None => eprint!("{}", String::from_utf8_lossy(bytes)),
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Installs the subscriber, before the first event of any test.
fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(|| Writer).without_time().finish();
        tracing::subscriber::set_global_default(subscriber).expect("this is the only subscriber");
    });
}

impl CapturedLog {
    pub(crate) fn start() -> Self {
        LOG.set(Some(Vec::new()));
        Self
    }

    pub(crate) fn lines_with(&self, part: &str) -> Vec<String> {
        let written = LOG.with_borrow(|log| log.clone().expect("the log is captured"));
        let text = String::from_utf8(written).expect("the log is text");
        text.lines().filter(|line| line.contains(part)).map(str::to_owned).collect()
    }
}

impl Drop for CapturedLog {
    fn drop(&mut self) {
        LOG.set(None);
    }
}
