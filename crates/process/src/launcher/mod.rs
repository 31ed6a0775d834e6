//! This side of the launcher: the handle, the connection behind it, and the guards that wait for work.

mod connection;
mod fate;
mod fence;
mod handle;
mod launcher_program;
mod link;

pub use fence::Fence;
pub use handle::Launcher;
pub(crate) use handle::{Lent, NoGuard};
pub use launcher_program::LauncherProgram;
