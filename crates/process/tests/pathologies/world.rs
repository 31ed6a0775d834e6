//! Who runs the children, and how far they are shut in.

use attune_process::{Sandbox, SandboxLevel};
use attune_testkit::{Enclosure, User};

/// One corner of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) user: User,
    pub(crate) level: SandboxLevel,
}

impl World {
    pub(crate) const ALL: [Self; 4] = [
        Self { user: User::Root, level: SandboxLevel::Base },
        Self { user: User::Root, level: SandboxLevel::Filtered },
        Self { user: User::Ordinary, level: SandboxLevel::Base },
        Self { user: User::Ordinary, level: SandboxLevel::Filtered },
    ];

    /// Whether signals cannot leave the tree.
    pub(crate) fn is_shut_in(self) -> bool {
        self.level >= SandboxLevel::Isolated
    }

    /// What children get; nothing weaker is good enough.
    pub(crate) fn sandbox(self) -> Sandbox {
        Sandbox { level: self.level, require: self.level, ..Sandbox::default() }
    }

    /// The surroundings in which it is tried.
    pub(crate) fn enclosure(self) -> Enclosure {
        let mut enclosure = Enclosure::new(format!("{:?} at level {:?}", self.user, self.level), self.user);
        enclosure.programs.push(env!("CARGO_BIN_EXE_attune-launcher").into());
        enclosure
    }
}
