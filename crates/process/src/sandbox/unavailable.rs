//! Why a child must not run.

use crate::sandbox::sandbox_level::SandboxLevel;

/// The machine can give less than is required, and nothing is silently weaker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sandbox level {needed} is required and this machine reaches level {reached}: {why}")]
pub struct SandboxUnavailable {
    /// What is required.
    pub needed: SandboxLevel,
    /// What can be given.
    pub reached: SandboxLevel,
    /// What is missing.
    pub why: String,
}
