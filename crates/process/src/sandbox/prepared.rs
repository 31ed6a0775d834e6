//! The sandbox of one child, made ready by its guard.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

use crate::sandbox::capabilities::CapabilityDrop;
use crate::sandbox::filter::filter;
use crate::sandbox::rights::Rights;
use crate::sandbox::{SandboxLevel, kernel, probe};

/// Everything that is needed to shut one child in, made ready before the child exists: between its birth and its exec
/// nothing may be allocated and nothing locked.
#[derive(Debug)]
pub(crate) struct PreparedSandbox {
    /// What will be reached.
    pub(crate) level: SandboxLevel,
    /// Why it is not more.
    pub(crate) missing: Vec<String>,
    /// What root gives up.
    pub(super) capabilities: Option<CapabilityDrop>,
    /// The rules of the domain to enter.
    pub(super) ruleset: Option<Arc<OwnedFd>>,
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
    /// The descriptor that [`PreparedSandbox::apply`] needs.
    pub(crate) fn descriptor(&self) -> Option<i32> {
        self.ruleset.as_ref().map(|ruleset| ruleset.as_raw_fd())
    }

    /// Shuts the calling process in. Runs in the child, on memory that it shares with its guard: raw system calls only.
    /// The error is the kernel's number. To be done last before exec: afterwards less is allowed. Cannot be undone.
    pub(crate) fn apply(&self) -> Result<(), i32> {
        kernel::no_new_privileges()?;
        if let Some(capabilities) = &self.capabilities {
            capabilities.apply()?;
        }
        if let Some(ruleset) = &self.ruleset {
            kernel::restrict_self(ruleset.as_fd())?;
        }
        if let Some(filter) = self.filter {
            kernel::install_filter(filter)?;
        }
        Ok(())
    }
}

/// Enters a Landlock domain that scopes signals and abstract sockets, once for the life of a guard. Afterwards
/// `kill(-1)` reaches what the guard has started and nothing else. For a process with a single thread.
///
/// The domain allows to rename and link everywhere. A domain that says nothing of that forbids it, as soon as another
/// domain inside of it says something about files.
pub(crate) fn enter_scope() -> io::Result<()> {
    let rules = kernel::create_ruleset(Rights::REFER, kernel::SCOPE_SOCKETS_AND_SIGNALS)?;
    let root = kernel::locate_without_links(c"/")?;
    kernel::allow_beneath(rules.as_fd(), root.as_fd(), Rights::REFER)?;
    kernel::no_new_privileges()
        .and_then(|()| kernel::restrict_self(rules.as_fd()))
        .map_err(io::Error::from_raw_os_error)
}

/// Gives up, once for the life of a guard, what the children of level 2 and above must not have: they inherit what is
/// left. Where that fails, each child tries for itself, and does not start when it cannot.
pub(crate) fn give_up_capabilities() {
    if let (true, Ok(Some(drop))) = (probe().landlock_abi > 0, CapabilityDrop::here()) {
        let _each_child_tries_again = drop.apply();
    }
}

/// Installs the filter of level 3, once for the life of a guard: everything that it starts inherits it. Compiling the filter
/// takes the kernel as long as the rest of a start. Nothing that a guard does is refused by it. Whether that was possible.
pub(crate) fn enter_filter() -> bool {
    probe().seccomp_missing.is_none()
        && kernel::no_new_privileges().and_then(|()| kernel::install_filter(filter())).is_ok()
}
