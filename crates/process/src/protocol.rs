//! The decisions of a guard, for whoever proves the protocol: a simulator runs these, and not likenesses of them, in a
//! modelled world. Everything here is plain data and pure functions.

pub use crate::guard::machine::{Effect, Event, FenceTimes, State, Stopping, Then};
pub use crate::wire::StoppedBy;
