//! The control group that this process is in itself: its container, its service unit.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::group::{kills, read};
use super::place::{Version, keyed, limit_of};
use super::{OomEvidence, OomScope};

/// The control group that counts the memory of this process and of all children that have no group of their own.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    pub(super) version: Version,
    pub(super) directory: PathBuf,
    /// The file that counts kills, kept open: it is read twice for each child, and opening it is most of that.
    counter: Arc<OnceLock<Option<File>>>,
}

impl PartialEq for Surroundings {
    fn eq(&self, other: &Self) -> bool {
        (self.version, &self.directory) == (other.version, &other.directory)
    }
}

impl Eq for Surroundings {}

impl Surroundings {
    pub(super) fn new(version: Version, directory: PathBuf) -> Self {
        Self { version, directory, counter: Arc::default() }
    }

    /// How many of its processes were killed for memory so far.
    pub(super) fn kills(&self) -> u64 {
        let open = || self.version.kills_files().iter().find_map(|file| File::open(self.directory.join(file)).ok());
        let mut buffer = [0; 512];
        let counted = self.counter.get_or_init(open).as_ref().and_then(|file| {
            let length = file.read_at(&mut buffer, 0).ok()?;
            keyed(std::str::from_utf8(&buffer[..length]).ok()?, "oom_kill")
        });
        counted.unwrap_or_else(|| kills(self.version, &self.directory))
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
