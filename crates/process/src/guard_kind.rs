//! What a guard has let itself in for.

use crate::sandbox::SandboxLevel;

/// What a guard has let itself in for, once and for its life. What it starts inherits that, so it serves only actions for
/// which it is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GuardKind {
    /// Nothing.
    Plain,
    /// A domain that signals do not leave: what it kills is its own.
    Scoped,
    /// That, and the filter of system calls. Installing it compiles it, which takes as long as the rest of a start.
    Filtered,
}

impl GuardKind {
    /// All of them; [`GuardKind::number`] counts from 0 in this order.
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::Scoped, Self::Filtered];

    /// The guard for actions of this level.
    pub(crate) const fn of(level: SandboxLevel) -> Self {
        match level {
            SandboxLevel::Base => Self::Plain,
            SandboxLevel::Isolated => Self::Scoped,
            SandboxLevel::Filtered => Self::Filtered,
        }
    }

    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}
