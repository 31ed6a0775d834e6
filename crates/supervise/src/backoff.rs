//! How long to wait before the next life.

use std::time::Duration;

/// How long a child waits before its next life: `min * factor^n`, capped at `max`, shortened by a random part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// The wait before the first restart.
    pub min: Duration,
    /// No wait is longer.
    pub max: Duration,
    /// Each wait is this many times the one before. Values below 1 count as 1.
    pub factor: f64,
    /// The share of a wait that chance may take away, 0 to 1. With 0.25 a wait of 4 s becomes 3 s to 4 s.
    pub jitter: f64,
}

impl Backoff {
    /// Computes the wait before restart number `failures` (0 = the first in a row).
    ///
    /// `chance` is a random number from 0 to 1, passed in so that this stays a pure function.
    pub fn delay(&self, failures: u32, chance: f64) -> Duration {
        let ceiling = self.max.as_secs_f64();
        let exponent = i32::try_from(failures).unwrap_or(i32::MAX);
        let grown = self.min.as_secs_f64() * self.factor.max(1.0).powi(exponent);
        // `min` with an infinite product still gives the cap; a product of 0 and infinity is not a number, and gives the cap too.
        let capped = grown.min(ceiling);
        let shortened = capped * (1.0 - self.jitter.clamp(0.0, 1.0) * chance.clamp(0.0, 1.0));
        Duration::try_from_secs_f64(shortened).unwrap_or(self.max).min(self.max)
    }
}

impl Default for Backoff {
    /// From 250 ms to 30 s, doubling, with a quarter of jitter.
    fn default() -> Self {
        Self { min: Duration::from_millis(250), max: Duration::from_secs(30), factor: 2.0, jitter: 0.25 }
    }
}
