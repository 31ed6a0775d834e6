use std::path::PathBuf;

use crate::environment::{Environment, ProcessEnvironment};

/// Where configuration comes from, weakest first: defaults, file, environment, overrides.
#[derive(Debug, Clone)]
pub struct Sources<E = ProcessEnvironment> {
    /// The file; absent: the one that `ATTUNE_CONFIG` names, else the environment's usual one if it is there.
    pub file: Option<PathBuf>,
    /// Where variables come from.
    pub environment: E,
    /// What the command line sets: path of a key, and text. Empty text unsets a key that has no default.
    pub overrides: Vec<(String, String)>,
}

impl Sources<ProcessEnvironment> {
    /// Those of this process.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>, overrides: Vec<(String, String)>) -> Self {
        Self { file, environment: ProcessEnvironment, overrides }
    }
}

impl<E: Environment> Sources<E> {
    /// The file that will be read.
    #[must_use]
    pub fn chosen_file(&self) -> Option<PathBuf> {
        let named = || {
            let variables = self.environment.variables();
            variables.into_iter().find(|(name, value)| name == "ATTUNE_CONFIG" && !value.is_empty())
        };
        self.file
            .clone()
            .or_else(|| named().map(|(_, path)| PathBuf::from(path)))
            .or_else(|| self.environment.usual_file())
    }
}
