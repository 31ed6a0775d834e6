//! How many attempts are claimed before there is a slot for them.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::key::Key;

/// About how long a claim takes under load: as many slots as become free in that time may be claimed for in advance.
const CLAIM: Duration = Duration::from_millis(20);
/// What runs longer does not count: its slot may be free a long time after the last one was.
const SHORT: Duration = Duration::from_millis(100);
/// Never more in advance than this many times the slots, whatever is measured.
const MOST_TIMES: usize = 2;

/// How fast the slots of this worker become free.
///
/// A slot that waits for its claim does nothing: with work of a millisecond it waited most of its time. So a worker claims
/// in advance what it will have room for when the answer comes, judged by what ended here just now. Whoever runs work of
/// seconds claims nothing in advance, because what waits in the store can go to whoever is free first, and what waits here
/// cannot. A fixed number for both was rejected for that, as it was in the scheduler.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    begun: HashMap<Key, Duration>,
    /// When what ran for a short time ended, oldest first; nothing older than a claim takes.
    ended: VecDeque<Duration>,
}

impl Pace {
    /// Notes that an attempt got a slot at `now` (any clock that never goes back).
    pub fn began(&mut self, key: Key, now: Duration) {
        self.begun.insert(key, now);
    }

    /// Notes that it needs it no more.
    pub fn ended(&mut self, key: Key, now: Duration) {
        let Some(begun) = self.begun.remove(&key) else { return };
        if now.saturating_sub(begun) <= SHORT {
            self.ended.push_back(now);
        }
    }

    /// How many attempts to claim beyond `slots`.
    pub fn ahead(&mut self, slots: usize, now: Duration) -> usize {
        while self.ended.front().is_some_and(|ended| now.saturating_sub(*ended) > CLAIM) {
            self.ended.pop_front();
        }
        self.ended.len().min(slots.saturating_mul(MOST_TIMES))
    }
}

#[cfg(test)]
mod tests {
    use attune_types::{AttemptNumber, ExecutionId};

    use super::*;

    const fn milliseconds(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    fn key(number: i64) -> Key {
        Key::new(ExecutionId(number), AttemptNumber::FIRST)
    }

    /// Attempts that begin at once and end as told.
    fn pace(ends: &[u64]) -> Pace {
        let mut pace = Pace::default();
        for (number, ended) in ends.iter().enumerate() {
            let key = key(number as i64);
            pace.began(key, milliseconds(0));
            pace.ended(key, milliseconds(*ended));
        }
        pace
    }

    #[test]
    fn what_ended_while_a_claim_takes_its_time_is_claimed_in_advance() {
        for (ends, now, expected) in [
            (&[][..], 0, 0),
            (&[5, 6, 7], 7, 3),
            (&[5, 6, 7], 26, 2),
            (&[5, 6, 7], 28, 0),
            (&[1; 9], 1, 8),
            (&[90, 101], 101, 1),
            (&[60_000; 4], 60_000, 0),
        ] {
            assert_eq!(pace(ends).ahead(4, milliseconds(now)), expected, "{ends:?} at {now}");
        }
    }

    #[test]
    fn what_was_never_begun_says_nothing() {
        let mut pace = Pace::default();
        pace.ended(key(1), milliseconds(1));
        assert_eq!(pace.ahead(4, milliseconds(1)), 0);
    }
}
