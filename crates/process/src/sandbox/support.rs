//! What this machine can do.

use std::io;
use std::sync::OnceLock;

use crate::sandbox::kernel;
use crate::sandbox::sandbox_level::SandboxLevel;

/// The Landlock ABI from which signals and abstract sockets can be scoped (Linux 6.12).
const SCOPING_ABI: u32 = 6;

/// What this machine can do to keep a child apart, and what it cannot, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxSupport {
    /// The version of Landlock's interface; 0 when there is no Landlock.
    pub landlock_abi: u32,
    /// Why there is no Landlock, when there is none.
    pub landlock_missing: Option<String>,
    /// Why no seccomp program can be installed, when none can.
    pub seccomp_missing: Option<String>,
}

impl SandboxSupport {
    /// Whether signals can be kept inside a domain, which also makes killing a tree atomic.
    #[must_use]
    pub const fn scopes_signals(&self) -> bool {
        self.landlock_abi >= SCOPING_ABI
    }

    /// The highest level that can be given completely.
    #[must_use]
    pub const fn level(&self) -> SandboxLevel {
        match (self.scopes_signals(), self.seccomp_missing.is_none()) {
            (false, _) => SandboxLevel::Base,
            (true, false) => SandboxLevel::Isolated,
            (true, true) => SandboxLevel::Filtered,
        }
    }

    /// What is missing to reach `level`, one sentence fragment for each thing. Empty when it is reached.
    #[must_use]
    pub fn missing_for(&self, level: SandboxLevel) -> Vec<String> {
        let mut missing = Vec::new();
        if level >= SandboxLevel::Isolated && !self.scopes_signals() {
            missing.push(self.landlock_missing.clone().unwrap_or_else(|| {
                format!(
                    "Landlock ABI {} protects files but not signals; that needs ABI {SCOPING_ABI} (Linux 6.12)",
                    self.landlock_abi
                )
            }));
        }
        if level >= SandboxLevel::Filtered {
            missing.extend(self.seccomp_missing.clone());
        }
        missing
    }

    /// Why [`SandboxSupport::level`] is not the highest there is. `None`: it is.
    #[must_use]
    pub fn why_not_higher(&self) -> Option<String> {
        let missing = self.missing_for(SandboxLevel::Filtered);
        (!missing.is_empty()).then(|| missing.join("; "))
    }
}

/// Finds out what this machine can do. The kernel is asked once for each process.
pub fn probe() -> &'static SandboxSupport {
    static SUPPORT: OnceLock<SandboxSupport> = OnceLock::new();
    SUPPORT.get_or_init(|| {
        let landlock = kernel::landlock_abi();
        SandboxSupport {
            landlock_abi: *landlock.as_ref().unwrap_or(&0),
            landlock_missing: landlock.err().map(|error| no_landlock(&error, &kernel_release())),
            seccomp_missing: kernel::seccomp_can_kill().err().map(|error| no_seccomp(&error, &kernel_release())),
        }
    })
}

fn kernel_release() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()).unwrap_or_default()
}

fn no_landlock(error: &io::Error, release: &str) -> String {
    match error.raw_os_error() {
        Some(libc::ENOSYS) => format!("this kernel ({release}) has no Landlock (Linux 5.13 or newer, if configured)"),
        Some(libc::EOPNOTSUPP) => {
            format!("Landlock is switched off in this kernel ({release}); see the boot parameter lsm=")
        }
        Some(libc::EPERM) => "Landlock is blocked, probably by the seccomp profile of a container".to_owned(),
        _ => format!("Landlock cannot be used: {error}"),
    }
}

fn no_seccomp(error: &io::Error, release: &str) -> String {
    match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EOPNOTSUPP | libc::EINVAL) => {
            format!("this kernel ({release}) has no usable seccomp (Linux 4.14 or newer, if configured)")
        }
        Some(libc::EPERM) => "seccomp is blocked, probably by the profile of a container".to_owned(),
        _ => format!("seccomp cannot be used: {error}"),
    }
}
