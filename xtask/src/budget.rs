//! How many packages each program may be made of. Raising a number here is a decision, and shows in review as one.

use crate::graph::Graph;

const MOST_PACKAGES: &[(&str, usize)] = &[("attune-worker", 360), ("attune-control", 385), ("attune-cli", 420)];

/// One line per program over its budget.
pub(crate) fn problems(graph: &Graph) -> Vec<String> {
    MOST_PACKAGES
        .iter()
        .filter_map(|(package, most)| {
            let weight = graph.weight(package);
            eprintln!("{package}: {weight} packages (at most {most})");
            (weight > *most).then(|| format!("{package} is made of {weight} packages; the budget is {most}"))
        })
        .collect()
}
