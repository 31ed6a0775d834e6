//! What was still there.

use crate::identity::ProcessIdentity;

/// A process that outlived the one it belonged to and was killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivor {
    /// Which one.
    pub identity: ProcessIdentity,
    /// Its name as the kernel shows it, at most 15 bytes, made printable.
    pub name: String,
}

impl std::fmt::Display for Survivor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}({})", self.name, self.identity.pid)
    }
}
