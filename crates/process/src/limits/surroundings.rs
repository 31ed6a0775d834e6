//! The control group that this process is in itself: its container, its service unit.

use std::path::PathBuf;

use super::group::{kills, read};
use super::place::{Version, limit_of};
use super::{OomEvidence, OomScope};

/// The control group that counts the memory of this process and of all children that have no group of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Surroundings {
    pub(super) version: Version,
    pub(super) directory: PathBuf,
}

impl Surroundings {
    /// How many of its processes were killed for memory so far.
    pub(super) fn kills(&self) -> u64 {
        kills(self.version, &self.directory)
    }

    /// Evidence of a kill since there had been `before` of them.
    pub(super) fn evidence(&self, before: u64) -> Option<OomEvidence> {
        (self.kills() > before).then(|| OomEvidence {
            limit_bytes: self.limit(),
            peak_bytes: None,
            scope: OomScope::Surroundings,
        })
    }

    /// The lowest limit from here to the topmost group that can be seen.
    pub(super) fn limit(&self) -> Option<u64> {
        let groups = self.directory.ancestors().map(|directory| read(&directory.join(self.version.limit_file())));
        // The topmost group of v2 has no such file and, above it, nothing has.
        groups.take_while(Option::is_some).flatten().filter_map(|text| limit_of(&text)).min()
    }
}
