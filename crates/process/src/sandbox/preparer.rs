//! Makes sandboxes ready.

use crate::sandbox::prepared::{PreparedSandbox, SandboxRefused};
use crate::sandbox::{Sandbox, SandboxLevel};

/// Makes sandboxes ready, one after the other, and keeps what does not change between them. One for each guard.
#[derive(Debug, Default)]
pub(crate) struct Preparer {}

impl Preparer {
    /// Makes a sandbox ready. Runs in the guard, before the child exists.
    ///
    /// # Errors
    ///
    /// When less than is required can be given.
    pub(crate) fn prepare(&mut self, _sandbox: &Sandbox) -> Result<PreparedSandbox, SandboxRefused> {
        Ok(PreparedSandbox { level: SandboxLevel::Base, missing: Vec::new(), ruleset: None, filter: None })
    }
}
