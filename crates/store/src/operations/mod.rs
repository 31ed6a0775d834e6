//! The protocol, once for both databases: every operation over a [`crate::unit::Unit`] or a
//! [`crate::session::Session`]. Where PostgreSQL can do a whole list in one statement, it has its own version in
//! [`crate::postgres`].

pub(crate) mod artifacts;
pub(crate) mod assign;
pub(crate) mod audit;
pub(crate) mod beat;
pub(crate) mod cancel;
pub(crate) mod catalogue;
pub(crate) mod claim;
pub(crate) mod complete;
pub(crate) mod depth;
pub(crate) mod environments;
pub(crate) mod hand_back;
pub(crate) mod logs;
pub(crate) mod outbox;
pub(crate) mod reading;
pub(crate) mod reap;
pub(crate) mod register;
pub(crate) mod repeat;
pub(crate) mod retain;
pub(crate) mod secrets;
pub(crate) mod submit;
pub(crate) mod take_back;
pub(crate) mod tokens;
pub(crate) mod view;
