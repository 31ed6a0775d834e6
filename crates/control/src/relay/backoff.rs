//! How long the relay leaves the outbox alone while the broker does not answer.

use std::time::Duration;

/// The pause after the n-th failure in a row, counted from 1: 0.1 s, doubling, at most 5 s. A broker that is away is
/// not asked more often than that, and one that is back is noticed within five seconds.
#[must_use]
pub fn pause(failures: u32) -> Duration {
    match failures {
        0 => Duration::ZERO,
        _ => Duration::from_millis(100).saturating_mul(1 << (failures - 1).min(16)).min(Duration::from_secs(5)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds() {
        let millis = [0, 1, 2, 3, 6, 7, 100, u32::MAX].map(|failures| pause(failures).as_millis());
        assert_eq!(millis, [0, 100, 200, 400, 3200, 5000, 5000, 5000]);
    }
}
