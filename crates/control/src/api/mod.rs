//! The HTTP API.
//!
//! | file | holds |
//! |---|---|
//! | `routes` | every route, in one table |
//! | `access` | scopes, principals, what routes ask, how often somebody may ask |
//! | `gate` | request ids, tokens, origins, headers of answers |
//! | `tokens`, `audit` | tokens, enrolled workers, the audit trail |
//! | `server` | [`ApiServer`]: the listening socket as a supervised actor |
//! | `state` | what every request can reach |
//! | `problem` | errors as RFC 9457 documents |
//! | `executions`, `logs`, `workers`, `packs`, `agent`, `health`, `metrics` | the requests themselves |
//! | `pieces` | files on their way out |
//! | `body`, `fields`, `query` | reading what comes in, and naming what is wrong with it |

mod access;
mod agent;
mod artifacts;
mod audit;
mod body;
mod catalogue;
mod environments;
mod executions;
mod fields;
mod gate;
mod health;
mod logs;
mod metrics;
mod openapi;
mod origin;
pub(crate) mod packs;
mod pieces;
mod problem;
mod query;
mod routes;
mod secrets;
mod server;
mod state;
mod token;
mod tokens;
mod workers;

pub use access::ApiLimits;
pub(crate) use access::{Desk, Gatekeeper, Limiter, Note};
pub(crate) use catalogue::Catalogue;
pub(crate) use packs::contents_of;
pub use problem::{FieldProblem, Problem};
pub(crate) use server::ApiServer;
pub(crate) use state::{ApiState, MOST_FOLLOWERS, MOST_WAITING};
pub(crate) use token::TokenCheck;

#[cfg(test)]
mod tests;
