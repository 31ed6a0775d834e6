//! What will run a script.

use std::path::PathBuf;

use attune_types::{RuntimeSpec, Version};

/// The program that is executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// This interpreter, with the script as an argument.
    Interpreter {
        /// Absolute path.
        path: PathBuf,
        /// Its version, when it is known.
        version: Option<Version>,
    },
    /// The script itself.
    Script,
}

/// A requirement met: a runtime, and the program that serves it here.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The runtime.
    pub spec: RuntimeSpec,
    /// What is executed.
    pub program: Program,
}
