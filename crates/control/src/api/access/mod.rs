//! Who may do what.
//!
//! | file | holds |
//! |---|---|
//! | `scope` | every scope there is, in one table |
//! | `principal` | who asks, and how far that reaches |
//! | `rule` | what a route asks of whoever asks for it |
//! | `gatekeeper` | from a header to a principal |
//! | `limiter` | how often somebody may ask |
//! | `desk` | where refusals are handed in for the audit trail |

mod desk;
mod gatekeeper;
mod limiter;
mod principal;
mod rule;
mod scope;

pub(crate) use desk::{Desk, Note};
pub(crate) use gatekeeper::Gatekeeper;
pub use limiter::ApiLimits;
pub(crate) use limiter::{Asker, Limiter, StreamPermit};
pub(crate) use principal::{OWNER, Principal};
pub(crate) use rule::{Access, Decision, Subject};
pub(crate) use scope::{Scope, Scopes, words as scope_words};
