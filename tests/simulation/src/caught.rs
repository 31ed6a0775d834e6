//! Whether the simulation notices a known fault, and how soon.

use crate::mutant::{self, Mutant};
use crate::run;

/// What noticed a known fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caught {
    /// What was violated, by name.
    pub by: String,
    /// The first case of it.
    pub case: String,
    /// In the run of which seed.
    pub seed: u64,
    /// After how many executions, those of earlier seeds included.
    pub executions: u64,
}

/// Runs seeds with a known fault until something is violated; `None` when that never happens. Only in a build that has the
/// switch, see [`mutant::can_choose`].
#[must_use]
pub fn catch(mutant: Mutant, executions: u32, most_seeds: u64) -> Option<Caught> {
    mutant::choose(Some(mutant.name));
    let mut before = 0;
    let mut caught = None;
    for seed in 1..=most_seeds {
        let ended = run::seed(seed, executions, false);
        before += ended.submitted;
        if let Some((_, _, case)) = ended.violations.all().next() {
            let (by, case) = (ended.violations.names(), case.to_owned());
            caught = Some(Caught { by, case, seed, executions: before });
            break;
        }
    }
    mutant::choose(None);
    caught
}
