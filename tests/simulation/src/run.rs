//! One seed: its faults, its run, and the shortest schedule that still fails.

use crate::world::faults::{self, Fault};
use crate::world::{Ended, Plan, World};

/// Runs a seed.
#[must_use]
pub fn seed(seed: u64, executions: u32, is_traced: bool) -> Ended {
    with(seed, executions, faults::draw(seed, executions), is_traced)
}

/// Runs a seed with these faults instead of its own.
#[must_use]
pub fn with(seed: u64, executions: u32, faults: Vec<Fault>, is_traced: bool) -> Ended {
    World::new(Plan { seed, executions, faults, is_traced }).run()
}

/// A run that fails, made as short as possible.
#[derive(Debug)]
pub struct Shrunk {
    /// How many executions it takes.
    pub executions: u32,
    /// Which of the seed's faults, by number.
    pub faults: Vec<usize>,
    /// How it ends.
    pub ended: Ended,
}

/// Makes a run that violates something as short as possible: fewer executions, fewer faults, as long as the same thing is
/// violated. The faults are those that `drawn_for` executions would have.
#[must_use]
pub fn shrink(seed: u64, drawn_for: u32, violated: &str) -> Shrunk {
    let all = faults::draw(seed, drawn_for);
    let fails = |executions: u32, chosen: &[usize]| {
        let faults = chosen.iter().filter_map(|number| all.get(*number).copied()).collect();
        let ended = with(seed, executions, faults, false);
        let is_violated = ended.violations.all().any(|(name, ..)| name == violated);
        is_violated.then_some(ended)
    };
    let mut executions = drawn_for;
    let mut chosen: Vec<usize> = (0..all.len()).collect();
    let mut ended = with(seed, executions, all.clone(), false);
    while executions > 1
        && let Some(shorter) = fails(executions / 2, &chosen)
    {
        executions /= 2;
        ended = shorter;
    }
    let mut size = chosen.len().div_ceil(2);
    while size > 0 {
        let mut place = 0;
        while place < chosen.len() {
            let mut fewer = chosen.clone();
            fewer.drain(place..(place + size).min(chosen.len()));
            match fails(executions, &fewer) {
                Some(shorter) => {
                    chosen = fewer;
                    ended = shorter;
                }
                None => place += size,
            }
        }
        size /= 2;
    }
    Shrunk { executions, faults: chosen, ended }
}
