//! The launcher: this side of it.

mod fence;
mod handle;
mod launcher_program;

pub use fence::Fence;
pub use handle::Launcher;
pub use launcher_program::LauncherProgram;
