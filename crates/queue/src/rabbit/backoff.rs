//! How long to wait before the next try.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);
/// A connection that lived this long was a success; shorter ones count as failures, or a broker that accepts and drops
/// would be asked without end.
const HEALTHY: Duration = Duration::from_secs(5);

/// Doubles from 0.2 s to 5 s, with jitter, so that a thousand workers do not come back at once.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The pause after another failure.
    pub(crate) fn next(&mut self) -> Duration {
        let mut random = [0; 1];
        // Without randomness there is no jitter, which is no reason to fail.
        let jitter = if getrandom::fill(&mut random).is_ok() { f64::from(random[0]) / 255.0 } else { 1.0 };
        let pause = pause(self.failures, jitter);
        self.failures = self.failures.saturating_add(1);
        pause
    }

    /// A connection ended after it had lived for a while.
    pub(crate) fn lived(&mut self, life: Duration) {
        if life >= HEALTHY {
            self.failures = 0;
        }
    }
}

/// Between half and all of the doubled time.
fn pause(failures: u32, jitter: f64) -> Duration {
    let full = FIRST.saturating_mul(2_u32.saturating_pow(failures.min(16))).min(LONGEST);
    full.mul_f64(0.5 + jitter / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds() {
        let pauses: Vec<u128> = (0..8).map(|failures| pause(failures, 1.0).as_millis()).collect();
        assert_eq!(pauses, [200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
        assert_eq!(pause(0, 0.0), Duration::from_millis(100));
        assert_eq!(pause(u32::MAX, 1.0), LONGEST);
    }

    #[test]
    fn only_a_connection_that_lived_resets_it() {
        let mut backoff = Backoff { failures: 7 };
        backoff.lived(Duration::from_secs(1));
        assert_eq!(backoff.failures, 7);
        backoff.lived(HEALTHY);
        assert_eq!(backoff.failures, 0);
    }
}
