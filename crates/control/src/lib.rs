//! The control plane: HTTP API, scheduler, relay and reaper.
//!
//! # Theory of operation
//!
//! The store holds the truth; everything here only moves it along, and any number of replicas may do so at once without
//! knowing of each other. A request to run something is checked against the action it names and becomes one row
//! ([`api`](Problem): nothing is stored that cannot run as asked). The **scheduler** looks at what waits and who is
//! there, decides in a pure function ([`solve`]), and has the store write the decision, which checks it again under lock.
//! Each assignment is also a row of the outbox; the **relay** publishes those rows in pipelined batches and deletes what
//! the broker confirmed. The **reaper** ends leases that ran out and takes back what nobody claimed.
//!
//! They are actors of one supervised tree (`tree.rs`, the list of them is the program). None of them owns anything that
//! matters: a crash forgets a batch in hand, the row behind it is picked up a few seconds later. The **bell** hands the
//! store's wake-ups to whom they concern, so nothing polls faster than once a second, and a lost wake-up costs no more
//! than that second.
//!
//! Requests are read on threads of their own. What they ask the store runs on the main runtime, where database
//! connections live, to its end even when the client goes away. Submissions that arrive during a commit share the next.
//!
//! # Guarantees
//!
//! - What was answered 201 is in the database. A repeated `Idempotency-Key` answers with the first execution.
//! - Work that fits nobody waits for ever, and never holds up work that fits somebody.
//! - A worker is given in advance no more than it worked off in the last second ([`PaceBook`]).
//! - Without a token the API listens on loopback only and answers no foreign web page.
//! - A log is only ever sent as JSON: it cannot become markup, nor an event of the stream that carries it.
//!
//! | module | holds |
//! |---|---|
//! | `builder`, `handle`, `tree` | putting it together, holding it, the tree |
//! | `api` | the HTTP API |
//! | `scheduler`, `relay`, `reaper`, `bell` | the actors |
//! | `secrets` | the keys of secrets, and what is done with them |
//! | [`cli`] | the program `attune-server` |

mod agents;
mod api;
mod auditor;
mod bell;
mod builder;
pub mod cli;
mod error;
mod handle;
mod offload;
mod packs;
pub mod protocol;
mod reaper;
mod relay;
mod retention;
mod scheduler;
mod secrets;
mod ticks;
mod tree;
mod trouble;
mod waiters;

pub use api::{ApiLimits, FieldProblem, Problem};
pub use builder::{Control, ControlBuilder};
pub use error::ControlError;
pub use handle::ControlHandle;
pub use retention::retention_of;
pub use scheduler::{Advances, Explanation, PaceBook, PlacementPolicy, Plan, TakeBack, WorkerFit, explain, solve};
pub use secrets::{LEAST_SECRET_BYTES, MOST_SECRET_BYTES, Rotation, RotationStep, Vault, VaultError, keyring_of};
pub use ticks::Ticks;
