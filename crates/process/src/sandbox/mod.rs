//! The sandbox ladder: what a child is kept from, and how far this machine can go.
//!
//! # Theory of operation
//!
//! There are three levels ([`SandboxLevel`]); each contains the one below it.
//!
//! 1. **Base** is what every kernel can do: no new privileges, no core files, `umask 077`, nothing inherited.
//! 2. **Isolated** is a Landlock domain per child: it can neither signal nor trace nor read the memory of anything
//!    outside, and of the files it reaches what the [`FilesystemPolicy`] leaves.
//! 3. **Filtered** adds a seccomp program that refuses the system calls a script has no business with.
//!
//! [`probe`] finds out what works here; the pure [`reach()`] decides what a child gets, or that it must not run because
//! less would be given than was required. Everything that allocates or opens files happens before the child exists, in
//! the guard; what runs between clone and exec is three system calls.
//!
//! What can be applied is applied even when its level is not reached: with a Landlock that cannot scope signals (before
//! ABI 6) files are protected all the same, and the level reported is 1, with the reason.

mod capabilities;
mod filesystem_policy;
mod filter;
mod kernel;
mod neighbours;
mod plan;
mod prepared;
mod preparer;
mod privacy;
mod reach;
mod rights;
mod rules;
mod ruleset;
#[expect(clippy::module_inception, reason = "one type, one file, named after it")]
mod sandbox;
mod sandbox_level;
mod sandbox_reached;
mod support;
#[cfg(test)]
mod tests;
mod unavailable;

pub use filesystem_policy::FilesystemPolicy;
pub use filter::refused_calls;
pub(crate) use prepared::{PreparedSandbox, SandboxRefused, enter_filter, enter_scope, give_up_capabilities};
pub(crate) use preparer::Preparer;
pub use privacy::keep_memory_private;
pub use reach::{Reach, reach};
pub use rules::{CORE_FILE_BYTES, FILE_MODE_MASK};
pub use sandbox::Sandbox;
pub use sandbox_level::SandboxLevel;
pub use sandbox_reached::{KillWay, SandboxReached};
pub use support::{SandboxSupport, probe};
pub use unavailable::SandboxUnavailable;
