//! Where to look, and for what.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use attune_types::{Requirement, RuntimeSpec};

use crate::places::Landmarks;
use crate::selection::Selection;

/// Folders that are searched after `PATH`, for every runtime: where images put interpreters without telling `PATH`.
/// Those of single runtimes stand in their definitions.
const KNOWN_PLACES: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/*/bin", "/opt/bin", "/opt/*/bin"];

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
    /// Folders to search after those that a runtime names itself, as
    /// [`DetectionSpec::places`](attune_types::runtime::DetectionSpec::places) are written.
    pub places: Vec<String>,
    /// What `~` and `$NAME` mean in places.
    pub landmarks: Landmarks,
    /// How much to find out.
    pub depth: Depth,
    /// How long a version command may take. 2 s by default. All together may take three times as long: nobody waits for
    /// a folder full of programs that hang.
    pub limit: Duration,
    /// What was wrong with what these options were made from, for [`Detection::warnings`](crate::Detection::warnings).
    pub remarks: Vec<String>,
    /// Where the definition of a runtime comes from when not from a pack: notes for its interpreters, by runtime.
    pub notes: BTreeMap<String, String>,
}

impl DetectOptions {
    /// Looks for everything in `specs`, in `path` and the known places.
    #[must_use]
    pub fn new(specs: Vec<RuntimeSpec>, path: impl AsRef<OsStr>) -> Self {
        Self {
            specs,
            selection: Selection::Everything,
            path: path.as_ref().to_owned(),
            places: KNOWN_PLACES.iter().map(|place| (*place).to_owned()).collect(),
            landmarks: Landmarks::default(),
            depth: Depth::Everything,
            limit: Duration::from_secs(2),
            remarks: Vec::new(),
            notes: BTreeMap::new(),
        }
    }

    /// The same with `~` and `$NAME` in places standing for what an environment says, usually `std::env::vars_os()`.
    #[must_use]
    pub fn in_environment(mut self, environment: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        self.landmarks = Landmarks::of(environment);
        self
    }

    /// The same for only those runtimes that `names` name, if there are any: what `ATTUNE_WORKER_RUNTIMES` or
    /// `worker.capabilities.runtimes` say.
    #[must_use]
    pub fn wanting(mut self, names: &[String]) -> Self {
        self.selection = Selection::decide(None, Some(names));
        self
    }

    /// The same without the search: only folders of `PATH`, for tests and for those who know.
    #[must_use]
    pub fn only_in_path(mut self) -> Self {
        self.places = Vec::new();
        for spec in &mut self.specs {
            spec.detection.places = Vec::new();
        }
        self
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
