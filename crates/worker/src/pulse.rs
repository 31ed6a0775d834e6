//! When this worker was last known to hold its leases.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use attune_process::{Fence as GuardsFence, clock};

use crate::executions::Books;
use crate::fence::{Fence, FencePolicy};

/// The moment the last successful heartbeat was sent, by the clock that counts suspend.
///
/// Every guard is told too, through the launcher's fence: this process may be stopped, and then nothing of it enforces
/// anything.
#[derive(Debug)]
pub(crate) struct Pulse {
    sent: AtomicU64,
    guards: GuardsFence,
    policy: FencePolicy,
}

impl Pulse {
    /// A worker that just registered holds what it is granted.
    pub(crate) fn now(guards: GuardsFence, policy: FencePolicy) -> Self {
        let pulse = Self { sent: AtomicU64::new(0), guards, policy };
        pulse.beat(clock::boot());
        pulse
    }

    /// Notes a successful beat that was sent at `sent`.
    pub(crate) fn beat(&self, sent: Duration) {
        let before = self.sent.fetch_max(micros(sent), Ordering::Relaxed);
        if before < micros(sent) {
            self.guards.extend(sent + self.policy.terminate, sent + self.policy.kill);
        }
    }

    /// Time since then.
    pub(crate) fn silence(&self) -> Duration {
        clock::boot().saturating_sub(Duration::from_micros(self.sent.load(Ordering::Relaxed)))
    }
}

fn micros(moment: Duration) -> u64 {
    u64::try_from(moment.as_micros()).unwrap_or(u64::MAX)
}

/// Enforces the fence for as long as the books exist. A task of the runtime and no actor: it must work when the actors
/// are what does not.
pub(crate) async fn guard(pulse: Arc<Pulse>, books: Weak<Books>, policy: FencePolicy) {
    // Often enough that SIGKILL, the grace of a second included, comes well before the lease ends.
    let look_every = (policy.terminate / 60).clamp(Duration::from_millis(10), Duration::from_millis(500));
    let mut before = Fence::Open;
    loop {
        tokio::time::sleep(look_every).await;
        let Some(books) = books.upgrade() else { return };
        let now = policy.judge(pulse.silence());
        let trees = books.trees();
        if now != before && trees > 0 {
            tracing::error!(fence = ?now, executions = trees, "leases could not be renewed in time");
        }
        before = now;
        // Again at every look: something may have started a moment after the last.
        match now {
            Fence::Open => {}
            Fence::Terminate => books.terminate_all("the worker: its lease could not be renewed"),
            Fence::Kill => books.kill_all(),
        }
    }
}
