//! The attempts this worker has in hand, and the actor that gives them slots.

mod actor;
mod books;
mod claims;
mod counters;
mod desk;
mod finisher;
mod key;
mod ledger;
#[cfg(test)]
mod ledger_tests;
pub(crate) mod leftovers;
mod pace;
mod spool;

pub(crate) use actor::{Cancel, Executions, ExecutionsDeps, Hurry, Offer, SetAccepting, StopAttempts, StopTaking};
pub(crate) use books::{Books, Leashed};
pub(crate) use claims::Claims;
pub(crate) use counters::Count;
pub use counters::Counts;
pub use desk::{Accepting, AfterOffer, Desk, Room, Todo};
pub(crate) use finisher::Finisher;
pub use key::Key;
pub use ledger::{Forgotten, Grant, Ledger, Offered};
pub use pace::Pace;
pub(crate) use spool::Spool;
