//! What is proven.

mod compose;
mod matrix;
mod small;
mod stack;
mod start;
mod surroundings;

use crate::Outcome;
use crate::docker::Docker;
use crate::programs::Programs;

pub use small::small;

/// One proof: its name on the command line, what it shows, and the proof.
pub struct Proof {
    /// Its name.
    pub name: &'static str,
    /// What it shows.
    pub shows: &'static str,
    /// Shows it; lines with figures.
    pub show: fn(&Docker, &Programs) -> Outcome<Vec<String>>,
}

/// All of them, in the order they are run.
pub const PROOFS: &[Proof] = &[
    Proof {
        name: "surroundings",
        shows: "any user, no shell, no capabilities, names with search domains, signals, kills, restarts, deafness",
        show: surroundings::show,
    },
    Proof {
        name: "matrix",
        shows: "every image: detects, registers, runs an action of each runtime it has, reports",
        show: matrix::show,
    },
    Proof {
        name: "stack",
        shows: "500 executions over a baked and three injected workers, one of them drained and one killed meanwhile",
        show: stack::show,
    },
    Proof { name: "compose", shows: "docker-compose.yaml is valid, and its services run", show: compose::show },
    Proof { name: "start", shows: "how long after a container's start its worker consumes", show: start::show },
];
