//! Timers that can be forgotten without being cancelled.

/// Numbers the self-messages of a timer, so that a stale one is recognised and ignored.
///
/// A supervised actor never calls `cancel_future`: actix 0.13 forgets its handle counter on restart but keeps the pending cancellations, and
/// would silently cancel a timer of the next life. Instead the timer's message carries the number it was armed with.
///
/// ```
/// # use attune_supervise::Generation;
/// let mut beat = Generation::default();
/// let first = beat.advance();
/// assert!(beat.is_current(first));
/// let second = beat.advance(); // armed anew: the first one no longer counts
/// assert!(!beat.is_current(first) && beat.is_current(second));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Generation(u64);

impl Generation {
    /// Makes every earlier number stale and returns the one to put into the message.
    pub fn advance(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        self.0
    }

    /// Says whether a message armed with `number` still counts.
    pub fn is_current(&self, number: u64) -> bool {
        self.0 == number
    }
}
