//! Numbers that look random and are the same every time.

/// A generator whose numbers depend on its seed alone: xoshiro256**, seeded by splitmix64. Of our own because a library
/// may change its algorithm with a version, and then yesterday's seed replays something else.
#[derive(Debug, Clone)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// The generator of a seed, for one purpose: generators of different purposes are independent.
    #[must_use]
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut mixed = seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = || {
            mixed = mixed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = mixed;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^ (word >> 31)
        };
        Self { state: [next(), next(), next(), next()] }
    }

    /// The next number.
    pub fn word(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let answer = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        answer
    }

    /// A number below `bound`; 0 when that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The bias is below 2^-30 for everything asked here.
        if bound == 0 { 0 } else { self.word() % bound }
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low).max(0).unsigned_abs() + 1) as i64
    }

    /// True in `percent` of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        percent > 0 && self.below(100) < percent
    }

    /// Sixteen bytes.
    pub fn bytes(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.word().to_le_bytes());
        bytes[8..].copy_from_slice(&self.word().to_le_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_for_ever() {
        let mut random = Random::new(7, 1);
        let numbers = [random.word(), random.word(), random.word()];
        let mut again = Random::new(7, 1);
        assert_eq!(numbers, [again.word(), again.word(), again.word()]);
        assert_ne!(numbers[0], Random::new(7, 2).word());
        assert_ne!(numbers[0], Random::new(8, 1).word());
    }

    #[test]
    fn numbers_stay_in_their_bounds() {
        let mut random = Random::new(1, 1);
        for _ in 0..1000 {
            assert!((-3..=4).contains(&random.between(-3, 4)));
            assert!(random.below(5) < 5);
        }
        assert_eq!(random.below(0), 0);
        assert!(!random.percent(0) && random.percent(100));
    }
}
