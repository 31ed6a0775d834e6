//! Chance from a seed.

/// A small generator (splitmix64): the same seed throws the same for ever, on every machine.
#[derive(Debug, Clone)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed ^ 0x9E37_79B9_7F4A_7C15 }
    }

    /// Dice of its own for one purpose, so that how often one is thrown does not change another.
    pub(crate) fn of(seed: u64, purpose: &str) -> Self {
        let mixed = purpose.bytes().fold(seed, |mixed, byte| mixed.wrapping_mul(0x0100_0000_01B3) ^ u64::from(byte));
        Self::new(mixed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From `least` to `most`.
    pub(crate) fn between(&mut self, least: f64, most: f64) -> f64 {
        least + self.unit() * (most - least)
    }

    /// Less than `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.unit() * bound as f64) as usize
    }

    /// One of them, each as likely as its weight.
    pub(crate) fn weighted<'a, T>(&mut self, all: &'a [T], weight: impl Fn(&T) -> f64) -> Option<&'a T> {
        let mut left = self.unit() * all.iter().map(&weight).sum::<f64>();
        for one in all {
            left -= weight(one);
            if left < 0.0 {
                return Some(one);
            }
        }
        all.last()
    }

    /// The time to the next of events that happen `rate` times in a second, in seconds.
    pub(crate) fn poisson_gap(&mut self, rate: f64) -> f64 {
        -(1.0 - self.unit()).ln() / rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_throws_the_same_for_ever_and_another_does_not() {
        let throw = |seed| (0..4).map(|_| 0).scan(Dice::new(seed), |dice, _| Some(dice.next())).collect::<Vec<u64>>();
        assert_eq!(throw(7), throw(7));
        assert_ne!(throw(7), throw(8));
        assert_ne!(Dice::of(7, "faults").next(), Dice::of(7, "load").next());
    }

    #[test]
    fn weights_and_bounds_are_kept() {
        let mut dice = Dice::new(1);
        for _ in 0..1000 {
            assert!(dice.below(3) < 3);
            let number = dice.between(2.0, 3.0);
            assert!((2.0..=3.0).contains(&number));
            assert_eq!(dice.weighted(&[("never", 0.0), ("always", 1.0)], |one| one.1).map(|one| one.0), Some("always"));
        }
    }
}
