//! The moment at which everything has to be dead, unless it is put off.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::system::SharedPair;

/// Puts off the moment at which every guard stops what it runs. As long as nobody has ever put it off, it never comes.
///
/// It lies in memory that all guards see, and they read it by themselves: it holds also when this process is stopped or
/// hangs, and nobody needs to be told when it moves.
#[derive(Debug, Clone)]
pub struct Fence {
    times: Arc<SharedPair>,
}

impl Fence {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { times: Arc::new(SharedPair::new()?) })
    }

    /// From now on everything is asked to stop at `terminate_at` and killed at `kill_at`, also what runs already.
    /// Readings of [`clock::boot`](crate::clock::boot). The latest call counts; a guard that has looked at an earlier
    /// moment looks again when that comes, and not before.
    pub fn extend(&self, terminate_at: Duration, kill_at: Duration) {
        // Zero would mean "never".
        let nanos = |moment: Duration| u64::try_from(moment.as_nanos()).unwrap_or(u64::MAX).max(1);
        let [terminate, kill] = self.times.numbers();
        // The later moment first: who reads in between sees a longer grace, never a shorter one.
        kill.store(nanos(kill_at), Ordering::Release);
        terminate.store(nanos(terminate_at), Ordering::Release);
    }

    /// When everything is killed, as it stands. Absent: never.
    #[must_use]
    pub fn kill_at(&self) -> Option<Duration> {
        match self.times.numbers()[1].load(Ordering::Acquire) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    /// The file that a launcher is given.
    pub(super) fn file(&self) -> BorrowedFd<'_> {
        (*self.times).as_fd()
    }
}
