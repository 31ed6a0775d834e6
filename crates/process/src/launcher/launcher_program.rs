//! Which program becomes the launcher.

use std::path::PathBuf;

/// Which program becomes the launcher. Its `main` begins with
/// [`serve_as_launcher_if_asked`](crate::serve_as_launcher_if_asked).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LauncherProgram {
    /// This program itself (`/proc/self/exe`).
    #[default]
    Own,
    /// The program in this file.
    At(PathBuf),
}
