//! What worker, launcher and guards say to each other: little-endian numbers and texts with their length before them,
//! one message per packet, each beginning with the version and its kind.
//!
//! All three are the same program, so the version only ever differs when a library user starts another program's
//! launcher; then the first message is refused and nothing is started. Written by hand: there are a dozen messages, a
//! guard must not allocate much, and nothing that reads bytes of others may panic. Rejected: serde with some binary
//! format, for one more dependency in the one place that everything rests on.

mod control;
mod guard;
mod parts;
mod reader;
mod run;
mod writer;

pub(crate) use control::{FromLauncher, ToLauncher};
pub use guard::StoppedBy;
pub(crate) use guard::{EndedMessage, FromGuard, Refusal, StartedMessage, ToGuard};
pub(crate) use reader::{Malformed, Reader};
pub(crate) use run::{RunSpec, write_run};
pub(crate) use writer::Writer;

/// The version of everything in this module. Raised whenever a message changes.
pub(crate) const VERSION: u8 = 1;

/// The longest message. What does not fit travels in a file in memory.
pub(crate) const LONGEST: usize = 64 << 10;

#[cfg(test)]
mod tests;
