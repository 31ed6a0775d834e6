//! A fault at a moment.

use std::time::Duration;

use crate::dice::Dice;
use crate::fault::Fault;

/// One fault, when it begins and how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Strike {
    pub(crate) fault: &'static Fault,
    /// After the start of the load.
    pub(crate) at: Duration,
    pub(crate) lasts: Duration,
    /// Chooses whom it hits, and which of its forms it takes.
    pub(crate) dice: u64,
    /// The form it takes, where it has several; absent: as chance has it.
    pub(crate) form: Option<usize>,
}

/// `count` faults over this time, overlapping as chance has it; every kind comes before any comes twice.
pub(crate) fn schedule(seed: u64, count: usize, over: Duration, faults: &[&'static Fault]) -> Vec<Strike> {
    let mut dice = Dice::of(seed, "faults");
    let mut deck: Vec<&'static Fault> = Vec::new();
    let mut strikes: Vec<Strike> = (0..count)
        .filter_map(|_| {
            if deck.is_empty() {
                deck = faults.to_vec();
            }
            if deck.is_empty() {
                return None;
            }
            let fault = deck.swap_remove(dice.below(deck.len()));
            let at = over.mul_f64(dice.between(0.02, 1.0));
            let lasts = Duration::from_secs_f64(dice.between(fault.least_s, fault.most_s));
            Some(Strike { fault, at, lasts, dice: dice.next(), form: None })
        })
        .collect();
    strikes.sort_by_key(|strike| strike.at);
    strikes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_schedule_and_no_kind_comes_twice_too_soon() {
        let faults: Vec<&'static Fault> = Fault::ALL.iter().collect();
        let over = Duration::from_secs(100);
        let strikes = schedule(5, faults.len(), over, &faults);
        assert_eq!(strikes, schedule(5, faults.len(), over, &faults));
        let mut names: Vec<&str> = strikes.iter().map(|strike| strike.fault.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), faults.len());
        assert!(strikes.is_sorted_by_key(|strike| strike.at));
    }
}
