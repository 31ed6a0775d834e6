//! Whether this process was started to be a launcher.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::serve;
use crate::limits;
use crate::sandbox;
use crate::system::{self, SharedPair};
use crate::wire::VERSION;

/// What a launcher is called, in the place of its program's name.
pub(crate) const NAME: &str = "attune-launcher";

/// Its first argument, before the version of what it is to speak.
pub(crate) const ARGUMENT: &str = "serve-worker-";

/// Where a worker leaves the socket to talk to it, and the fence.
const CONTROL: i32 = 3;
const FENCE: i32 = 4;

/// Becomes the launcher, and never returns, when this process was started to be one. Returns at once otherwise.
///
/// The very first thing in `main` of every program that starts a [`Launcher`](crate::Launcher) from
/// [`LauncherProgram::Own`](crate::LauncherProgram::Own): before any thread, any open file and any signal handler.
pub fn serve_as_launcher_if_asked() {
    let mut arguments = std::env::args_os();
    let is_asked = arguments.next().is_some_and(|name| name == NAME)
        && arguments.next().is_some_and(|argument| argument == *format!("{ARGUMENT}{VERSION}"));
    if is_asked {
        // There is nobody to tell an error to but the worker, which sees that its launcher has ended and says so.
        let code = if launch().is_ok() { 0 } else { 1 };
        system::leave(code);
    }
}

/// Prepares this process and serves until its worker is gone.
fn launch() -> io::Result<()> {
    system::block_all()?;
    system::reset_dispositions();
    // Already the leader of a session when it was started by somebody who did that: all the better.
    drop(system::begin_session());
    system::set_name(c"attune-launcher");
    let (control, fence) = (system::inherited(CONTROL)?, system::inherited(FENCE)?);
    let (control, fence) = (out_of_the_way(control)?, out_of_the_way(fence)?);
    // What a guard receives later must not have one of the numbers that an action gets.
    system::occupy_below(4)?;
    let fence = SharedPair::of(fence)?;
    // When memory is short, what actions take dies first, then guards, and the worker last. Refused where /proc is not
    // writable; then all are equal.
    drop(std::fs::write("/proc/self/oom_score_adj", "800"));
    // Found out once, here: every guard is a copy of this process.
    sandbox::probe();
    let support = limits::Support::of_this_process();
    support.sweep();
    system::forbid_cores()?;
    system::become_subreaper()?;
    system::become_unreadable()?;
    serve::serve(control, fence)
}

/// The same descriptor with a number beyond those that actions get.
fn out_of_the_way(fd: OwnedFd) -> io::Result<OwnedFd> {
    system::duplicate_from(fd.as_fd(), 16)
}
