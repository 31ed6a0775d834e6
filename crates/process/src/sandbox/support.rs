//! What this machine can do.

use std::sync::OnceLock;

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
    SUPPORT.get_or_init(|| SandboxSupport {
        landlock_abi: 0,
        landlock_missing: Some("not asked".to_owned()),
        seccomp_missing: Some("not asked".to_owned()),
    })
}
