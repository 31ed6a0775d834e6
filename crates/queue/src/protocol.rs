//! The decisions of the messenger, for whoever proves the protocol: a simulator runs these, and not likenesses of them, in
//! a modelled world. Everything here is plain data and pure functions.

pub use crate::doubt::{Heard, confirm_timeout, is_doubt};
pub use crate::ledger::Ledger;
