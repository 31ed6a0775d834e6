//! The seccomp program of level 3.
//!
//! [`policy`] is the data: which system calls are refused, and why. [`assemble`] makes a program of it, a pure
//! function that is tested with an interpreter of such programs for both architectures.

mod answer;
mod architecture;
mod assemble;
#[cfg(test)]
mod interpret;
mod policy;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use architecture::Architecture;

/// The system calls that level 3 refuses, always or with certain arguments, each with the reason: for people to read.
pub fn refused_calls() -> impl Iterator<Item = (&'static str, &'static str)> {
    policy::POLICY.iter().map(|rule| (rule.name, rule.reason))
}

/// The program for this machine. Built once for each process.
pub(super) fn filter() -> &'static [libc::sock_filter] {
    static PROGRAM: OnceLock<Vec<libc::sock_filter>> = OnceLock::new();
    PROGRAM.get_or_init(|| assemble::assemble(Architecture::HERE, policy::POLICY))
}
