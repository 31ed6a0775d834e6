//! Chance for backoffs.

use std::hash::{BuildHasher, RandomState};

/// Draws a number from 0 to 1. The keys of the standard library's hash maps are random enough to spread restarts, and cost no dependency.
pub(crate) fn chance() -> f64 {
    let bits = u32::try_from(RandomState::new().hash_one(0_u8) >> 32).unwrap_or(u32::MAX);
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    #[test]
    fn chance_stays_between_nothing_and_certainty() {
        assert!((0..1_000).all(|_| (0.0..=1.0).contains(&super::chance())));
    }
}
