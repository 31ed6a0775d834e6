//! One execution and everything that can happen to it, in every order.
//!
//! Two schedulers, two workers, one execution; what is in flight may arrive now, later or never, whoever asked may give up
//! and ask again while its first question still travels, a worker may be killed and come back at any moment, a lease may run
//! out. Breadth first over all of that: a violation that is found has no shorter way to it. Decisions are those of the
//! product, tables those of [`crate::database`]; only time is left out, because a lease that runs out is something that
//! happens here, and the simulation is where clocks are.
//!
//! | file | holds |
//! |---|---|
//! | `small` | the state, and what makes two states the same |
//! | `moves` | what can happen next |
//! | `machine` | a worker's side of it |
//! | `explore` | breadth first, and whether everything can still come to rest |

mod explore;
mod machine;
mod moves;
mod small;

pub use explore::{Explored, explore};
pub use moves::Move;
pub use small::{Faults, KINDS, Kind, PAIRS, SINGLE, Small};
