//! Where to look, and for what.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use attune_types::{Requirement, RuntimeSpec};

use crate::selection::Selection;

/// Folders that are searched after `PATH`: where images put interpreters without telling `PATH`.
const KNOWN_PLACES: &[&str] = &[
    "/usr/local/bin",
    "/usr/bin",
    "/bin",
    "/usr/local/go/bin",
    "/opt/java/openjdk/bin",
    "/usr/local/openjdk/bin",
    "/usr/lib/jvm/default-java/bin",
    "/usr/lib/jvm/default-jvm/bin",
    "/opt/conda/bin",
    "/opt/bin",
];

/// How many interpreters of a runtime are wanted, and what is to be known of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// All that there are, each proved by its version command.
    Everything,
    /// The one that a shell would start, found without running anything. Its version stays unknown.
    FirstUnproved,
}

/// Where to look, and for what.
#[derive(Debug, Clone)]
pub struct DetectOptions {
    /// The runtimes that are known.
    pub specs: Vec<RuntimeSpec>,
    /// Which of them to look for.
    pub selection: Selection,
    /// Folders to search, as in `PATH`. Relative ones are left out: what they mean depends on where one stands.
    pub path: OsString,
    /// Folders to search afterwards.
    pub places: Vec<PathBuf>,
    /// How much to find out.
    pub depth: Depth,
    /// How long a version command may take. 2 s by default.
    pub limit: Duration,
}

impl DetectOptions {
    /// Looks for everything in `specs`, in `path` and the known places.
    #[must_use]
    pub fn new(specs: Vec<RuntimeSpec>, path: impl AsRef<OsStr>) -> Self {
        Self {
            specs,
            selection: Selection::Everything,
            path: path.as_ref().to_owned(),
            places: KNOWN_PLACES.iter().map(PathBuf::from).collect(),
            depth: Depth::Everything,
            limit: Duration::from_secs(2),
        }
    }

    /// Looks only for what one script needs, and runs no version command unless the requirement names a version: a
    /// single script is to start at once.
    #[must_use]
    pub fn for_one(specs: Vec<RuntimeSpec>, path: impl AsRef<OsStr>, requirement: &Requirement) -> Self {
        Self {
            selection: Selection::of([requirement.runtime.as_str()]),
            depth: if requirement.version.is_some() { Depth::Everything } else { Depth::FirstUnproved },
            ..Self::new(specs, path)
        }
    }
}
