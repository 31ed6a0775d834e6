//! Every order of everything that can happen to one execution.

use attune_simulation::model::{KINDS, Kind, SINGLE, explore};

#[test]
fn no_order_of_events_loses_repeats_or_overlaps_an_execution() {
    for (name, faults) in SINGLE {
        // The program follows all of them, and pairs; this is what a debug build does in a few seconds.
        let is_quick = |kind: &Kind| !kind.may_repeat || name == "nothing" || (name == "a silence" && !kind.is_held);
        for kind in KINDS.into_iter().filter(is_quick) {
            let explored = explore(kind, faults, 100_000);
            assert!(explored.violations.is_empty(), "{name}, {kind:?}: {:#?}", explored.violations);
            assert!(explored.stuck.is_none(), "{name}, {kind:?}: {:#?}", explored.stuck);
            assert!(explored.at_rest > 0, "{name}, {kind:?}: nothing ever comes to rest");
        }
    }
}
