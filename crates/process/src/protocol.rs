//! The decisions of a guard, for whoever proves the protocol: a simulator runs these, and not likenesses of them, in a
//! modelled world. Everything here is plain data and pure functions.

pub use crate::child::may_read;
pub use crate::guard::machine::{Effect, Event, FenceTimes, State, Stopping, Then};
#[cfg(attune_mutants)]
pub use crate::mutant::choose as choose_mutant;
pub use crate::pump::next_size;
pub use crate::vigil::reading_time;
pub use crate::wire::StoppedBy;
