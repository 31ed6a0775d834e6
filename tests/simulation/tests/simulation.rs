//! A short run of what `make simulate` does for a million executions.

use attune_simulation::reach::Reached;
use attune_simulation::world::Ended;
use attune_simulation::{mutant, run};

fn assert_kept(seed: u64, ended: &Ended) {
    let all: Vec<_> = ended.violations.all().collect();
    assert!(all.is_empty(), "seed {seed}: {all:#?}");
}

#[test]
fn a_few_seeds_violate_nothing_and_take_rare_paths() {
    let mut reached = Reached::default();
    for seed in 1..=16 {
        let ended = run::seed(seed, 250, false);
        assert_kept(seed, &ended);
        reached.add(&ended.reached);
    }
    let missed = reached.missed();
    assert!(missed.len() < 16, "a run that takes no rare path proves nothing: {missed:?}");
}

/// Each of these found something once, in the product or in the model of its world.
#[test]
fn what_once_failed_fails_no_more() {
    for (seed, executions) in [(7, 200), (12, 600), (5, 1000), (771, 500), (280, 400)] {
        assert_kept(seed, &run::seed(seed, executions, false));
    }
}

#[test]
fn a_seed_goes_the_same_way_every_time() {
    for seed in 1..=4 {
        let (one, other) = (run::seed(seed, 120, true), run::seed(seed, 120, true));
        assert_eq!(one.trace.digest(), other.trace.digest(), "seed {seed}");
        assert!(one.trace.into_lines() == other.trace.into_lines(), "seed {seed}: the lines differ");
    }
}

#[test]
fn known_faults_are_in_no_ordinary_build() {
    for one in mutant::ALL {
        mutant::choose(Some(one.name));
        assert_eq!(mutant::is(one.name), mutant::can_choose(), "{}", one.name);
        mutant::choose(None);
        assert!(!mutant::is(one.name), "{}", one.name);
    }
    assert_eq!(mutant::can_choose(), cfg!(attune_mutants));
}
