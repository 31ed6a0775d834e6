//! The decisions of a worker, for whoever proves the protocol: a simulator runs these, and not likenesses of them, in a
//! modelled world. Everything here is plain data and pure functions; the actors of this crate are the shells around it.

pub use crate::commands::{Command, commands};
pub use crate::execution::{Effect, EndedChild, Event, Ran, State, Stop, StopCause};
pub use crate::executions::{Accepting, AfterOffer, Desk, Forgotten, Grant, Key, Ledger, Offered, Pace, Room, Todo};
pub use crate::fence::{Fence, FencePolicy};
pub use crate::hearing::{Meaning, meaning};
