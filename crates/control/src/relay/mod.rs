//! From the outbox to the broker.
//!
//! | file | holds |
//! |---|---|
//! | `actor` | [`Relay`]: one batch in flight while the next one gathers |
//! | `settle` | what the broker's answers mean for each row |
//! | `backoff` | how long a broker that is away is left alone |

mod actor;
mod backoff;
mod settle;

pub(crate) use actor::{Drain, Publish, Relay, RelayDeps};
pub use backoff::pause;
pub use settle::{MOST_RETURNS, Returns, Settlement};
