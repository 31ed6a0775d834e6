//! What the packs on this machine's disk hold.

use std::path::PathBuf;

use attune_config::{Config, Sources};
use attune_pack::Library;
use attune_secret::own_process;
use attune_secret::redact::{Needles, Shield};

use crate::arguments::Global;
use crate::error::CliError;
use crate::output::remark;

/// The configuration and the packs that it names.
#[derive(Debug)]
pub(crate) struct Local {
    /// The configuration.
    pub(crate) config: Config,
    /// The packs.
    pub(crate) library: Library,
}

impl Local {
    /// Reads the configuration and every pack. `directories` win over the configured ones.
    pub(crate) fn load(global: &Global, directories: &[PathBuf]) -> Result<Self, CliError> {
        let config = load_config(global)?;
        let library = Library::scan(&[directories, &config.packs.directories].concat());
        for broken in library.broken() {
            remark(&format!("warning: the pack in {} cannot be used", broken.directory.display()));
            remark(&format!("hint: attune pack check {}", broken.directory.display()));
        }
        Ok(Self { config, library })
    }

    /// Where packs are looked for, absolute.
    pub(crate) fn absolute_pack_directories(&self) -> Vec<PathBuf> {
        self.library.searched().iter().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone())).collect()
    }
}

/// Reads the configuration.
pub(crate) fn load_config(global: &Global) -> Result<Config, CliError> {
    let loaded = Config::load(Sources::of_process(global.config.clone(), Vec::new()));
    let config = loaded.map_err(|error| CliError::Input {
        what: "the configuration".into(),
        hint: "`attune config show` lists every key, its value and where it came from".into(),
        source: Box::new(error),
    })?;
    own_process::conceal_variables(&config.credential_variables());
    let credentials = config.credentials();
    Shield::raise(&Needles::new(credentials.iter().map(|(key, text)| (*key, text.as_bytes())))).keep();
    Ok(config)
}
