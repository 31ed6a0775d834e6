//! The launcher: this side of it.

mod fence;
mod handle;
mod launcher_program;

pub use fence::Fence;
pub use handle::Launcher;
pub use launcher_program::LauncherProgram;

/// Becomes the launcher, and never returns, when this process was started to be one. Returns at once otherwise.
///
/// The very first thing in `main` of every program that starts [`Launcher`]s from [`LauncherProgram::Own`]: before any
/// thread, any open file and any signal handler.
pub fn serve_as_launcher_if_asked() {}
