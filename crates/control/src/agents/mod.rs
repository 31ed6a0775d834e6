//! The agents that this server gives out: static programs in a folder, one for each architecture.
//!
//! | file | holds |
//! |---|---|
//! | `architecture` | [`Architecture`]: what a program runs on, by its own header |
//! | `offer` | [`Offer`]: what is said about one of them |
//! | `shelf` | [`AgentShelf`]: the folder |

mod architecture;
mod offer;
mod shelf;

pub(crate) use architecture::Architecture;
pub(crate) use offer::Offer;
pub(crate) use shelf::{AgentShelf, Unavailable};
