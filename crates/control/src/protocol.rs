//! The decisions of the control plane, for whoever proves the protocol: a simulator runs these, and not likenesses of them,
//! in a modelled world. Everything here is plain data and pure functions; the actors of this crate are the shells around it.

pub use crate::relay::{MOST_RETURNS, Returns, Settlement, pause};
pub use crate::scheduler::{
    Advances, Follows, Looked, PaceBook, Pass, PlacementPolicy, Plan, TakeBack, follows, look, room, solve,
};
