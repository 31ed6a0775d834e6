use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cross_check::cross_check;
use crate::environment::Environment;
use crate::error::ConfigError;
use crate::layers::Layer;
use crate::problem::Problem;
use crate::sections::{
    Artifacts, Client, Database, Log, MessageQueue, Packs, Paths, Protocol, Retention, Sandbox, Security, Server,
    Worker,
};
use crate::setting::Setting;
use crate::sources::Sources;
use crate::{print, reading};

/// The whole configuration, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where executions are kept.
    pub database: Database,
    /// The broker.
    pub message_queue: MessageQueue,
    /// What protects stored secrets.
    pub security: Security,
    /// One worker.
    pub worker: Worker,
    /// What actions are kept from.
    pub sandbox: Sandbox,
    /// Where the API listens.
    pub server: Server,
    /// How the command line reaches it.
    pub client: Client,
    /// The clockwork between the processes.
    pub protocol: Protocol,
    /// Where packs lie.
    pub packs: Packs,
    /// Where things are written.
    pub paths: Paths,
    /// Where files that executions leave behind are kept.
    pub artifacts: Artifacts,
    /// How long what has ended is kept.
    pub retention: Retention,
    /// What the process says about itself.
    pub log: Log,
    #[serde(skip)]
    settings: Vec<Setting>,
}

impl Config {
    /// Reads, merges and checks everything.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or values are wrong; then all problems are reported together.
    pub fn load<E: Environment>(sources: Sources<E>) -> Result<Self, ConfigError> {
        let file = match sources.chosen_file() {
            None => None,
            Some(path) => match std::fs::read_to_string(&path) {
                Ok(text) => Some((path, text)),
                Err(source) => return Err(ConfigError::Unreadable { path, source }),
            },
        };
        let mut problems = Vec::new();
        let mut layers = vec![Layer::of_defaults()];
        if let Some((path, text)) = &file {
            layers.push(Layer::of_file(path, text, &mut problems));
        }
        layers.push(Layer::of_environment(&sources.environment, &mut problems));
        layers.push(Layer::of_overrides(&sources.overrides, &mut problems));
        Self::from_layers(layers, problems)
    }

    /// As [`Config::load`] with this text as the file and nothing else.
    ///
    /// # Errors
    ///
    /// Values are wrong.
    pub fn from_yaml(text: &str) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let file = Layer::of_file(Path::new("text"), text, &mut problems);
        Self::from_layers(vec![Layer::of_defaults(), file], problems)
    }

    fn from_layers(layers: Vec<Layer>, mut problems: Vec<Problem>) -> Result<Self, ConfigError> {
        let read = reading::read(layers, &mut problems)?;
        if !problems.is_empty() {
            return Err(ConfigError::Invalid { problems });
        }
        let mut config: Self = serde_json::from_value(read.tree)
            .map_err(|error| ConfigError::Inconsistent { message: error.to_string() })?;
        config.settings = read.settings;
        match cross_check(&config) {
            problems if problems.is_empty() => Ok(config),
            problems => Err(ConfigError::Invalid { problems }),
        }
    }

    /// Whether neither a shared database nor a broker is configured: everything runs in one process.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.database.url.is_none() && self.message_queue.url.is_none()
    }

    /// Every key with its value as it was loaded, and where that came from.
    #[must_use]
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// The files that credentials were read from: nobody but this process has to read them.
    #[must_use]
    pub fn credential_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = self
            .settings
            .iter()
            .filter(|setting| setting.key.is_credential())
            .filter_map(|setting| {
                let path = setting.origin.strip_prefix("file:")?;
                Some(path.split_once(" named by ").map_or(path, |(path, _)| path).into())
            })
            .collect();
        files.sort();
        files.dedup();
        files
    }

    /// What `--print-config` prints: YAML with the origin of every value behind it, secrets masked.
    #[must_use]
    pub fn print_with_origins(&self) -> String {
        print::print(&self.settings)
    }
}

impl Default for Config {
    /// The defaults alone: embedded.
    fn default() -> Self {
        Self::from_layers(vec![Layer::of_defaults()], Vec::new()).expect("a test loads the defaults")
    }
}
