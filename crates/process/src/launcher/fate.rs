//! What became of a guard.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::guard_loss::GuardLoss;

/// What became of a guard, told when nothing of what it guarded is alive.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    loss: Mutex<Option<GuardLoss>>,
    /// Why it was killed, when it was us.
    cause: Mutex<Option<GuardLoss>>,
    wake: Notify,
}

impl Fate {
    /// It is going to be killed by us, for this reason.
    pub(super) fn tell_cause(&self, cause: GuardLoss) {
        self.cause.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(cause);
    }

    /// It is gone. The first word stands.
    pub(super) fn tell(&self, loss: GuardLoss) {
        let loss = self.cause.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(loss);
        self.loss.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(loss);
        self.wake.notify_waiters();
    }

    fn get(&self) -> Option<GuardLoss> {
        *self.loss.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is known.
    pub(crate) async fn known(&self) -> GuardLoss {
        loop {
            // Listening begins before the look, so nothing is missed in between.
            let told = self.wake.notified();
            if let Some(loss) = self.get() {
                return loss;
            }
            told.await;
        }
    }
}
