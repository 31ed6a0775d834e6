//! Who runs what.
//!
//! Any number of schedulers work at once without knowing of each other: a decision is made on a look, not under a lock,
//! and the store checks it again when it writes it. A decision that lost a race is simply not there in the answer.
//!
//! | file | holds |
//! |---|---|
//! | `solve` | [`solve()`], the decision itself: pure |
//! | `pace` | what a worker may be given in advance, and what is taken back: pure |
//! | `explain` | why an execution waits: pure |
//! | `policy` | the knobs |
//! | `pass` | one pass: look, decide, write, again until nothing more can be placed |
//! | `actor` | [`Scheduler`]: one pass at a time |

mod actor;
mod explain;
mod pace;
mod pass;
mod policy;
mod solve;

#[cfg(test)]
mod tests;

pub(crate) use actor::{Schedule, Scheduler};
pub use explain::{Explanation, WorkerFit, explain};
pub use pace::{PaceBook, TakeBack};
pub(crate) use pass::SchedulerDeps;
pub use pass::{Follows, Looked, Pass, follows, look, room};
pub use policy::PlacementPolicy;
pub use solve::{Advances, Plan, solve};
