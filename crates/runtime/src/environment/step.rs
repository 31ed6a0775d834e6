//! One command of a plan.

use std::ffi::OsString;
use std::path::PathBuf;

/// One command of a plan, complete but for limits and sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is called.
    pub name: String,
    /// The program: a path, or a name that was found nowhere.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Where it is run.
    pub directory: PathBuf,
    /// Its complete environment.
    pub environment: Vec<(OsString, OsString)>,
}

impl Step {
    /// Whether its program was found.
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.program.is_absolute()
    }
}
