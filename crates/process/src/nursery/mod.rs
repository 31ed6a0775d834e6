//! The launcher's own side: the small single-threaded process that makes guards and buries what lost guards leave.

mod asked;
mod orphans;
mod serve;

pub use asked::serve_as_launcher_if_asked;
pub(crate) use asked::{ARGUMENT, NAME};
