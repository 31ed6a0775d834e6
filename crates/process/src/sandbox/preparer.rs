//! Makes sandboxes ready.

use crate::sandbox::capabilities::CapabilityDrop;
use crate::sandbox::filter::filter;
use crate::sandbox::neighbours::Neighbours;
use crate::sandbox::prepared::{PreparedSandbox, SandboxRefused};
use crate::sandbox::{Sandbox, SandboxLevel, kernel, probe, reach, ruleset};

/// Makes sandboxes ready, one after the other, and keeps what hardly changes between them. One for each guard.
#[derive(Debug, Default)]
pub(crate) struct Preparer {
    neighbours: Neighbours,
}

impl Preparer {
    /// Makes a sandbox ready. Runs in the guard, before the child exists. What this machine cannot do is left out,
    /// down to what is required.
    ///
    /// # Errors
    ///
    /// When less than is required can be given, or a directory that the child must reach is not there.
    pub(crate) fn prepare(&mut self, sandbox: &Sandbox) -> Result<PreparedSandbox, SandboxRefused> {
        let support = probe();
        let reached = reach(support, sandbox.level, sandbox.require)
            .map_err(|unavailable| SandboxRefused { reached: unavailable.reached, why: unavailable.why })?;
        let wanted = sandbox.level.max(sandbox.require);
        let mut missing = reached.missing;
        let (mut rules, mut capabilities) = (None, None);
        if wanted >= SandboxLevel::Isolated && support.landlock_abi > 0 {
            let scoped = if support.scopes_signals() { kernel::SCOPE_SOCKETS_AND_SIGNALS } else { 0 };
            let written = ruleset::write(&sandbox.filesystem, support.landlock_abi, scoped, &mut self.neighbours)
                .map_err(|error| SandboxRefused { reached: SandboxLevel::Base, why: error.to_string() })?;
            if let Some(written) = written {
                missing.extend(written.excess);
                rules = Some(written.descriptor);
            }
            capabilities = CapabilityDrop::here().unwrap_or_else(|why| {
                missing.push(why);
                None
            });
        }
        let wants_filter = wanted >= SandboxLevel::Filtered && support.seccomp_missing.is_none();
        Ok(PreparedSandbox {
            level: reached.level,
            missing,
            capabilities,
            ruleset: rules,
            filter: wants_filter.then(filter),
        })
    }
}
