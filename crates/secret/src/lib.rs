//! Secrets: how a value is kept, how it reaches the one worker that needs it, and how it is kept out of everything that is
//! written down.

pub mod opened;

pub use opened::{Opened, OpenedSecret};
