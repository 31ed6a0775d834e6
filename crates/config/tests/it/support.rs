use std::path::PathBuf;

use attune_config::{Config, ConfigError, Sources};

/// A configuration file that is there as long as this is.
pub(crate) struct File {
    _directory: tempfile::TempDir,
    pub(crate) path: PathBuf,
}

pub(crate) fn file(name: &str, text: &str) -> File {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join(name);
    std::fs::write(&path, text).expect("the file is written");
    File { _directory: directory, path }
}

/// Loads from a file's text (empty: no file), variables and overrides.
pub(crate) fn load(text: &str, variables: &[(&str, &str)], overrides: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let file = (!text.is_empty()).then(|| file("attune.yaml", text));
    Config::load(Sources {
        file: file.as_ref().map(|file| file.path.clone()),
        environment: variables,
        overrides: overrides.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect(),
    })
}

/// The lines of the error, without the temporary directory's name.
pub(crate) fn refusals(text: &str, variables: &[(&str, &str)], overrides: &[(&str, &str)]) -> Vec<String> {
    let error = load(text, variables, overrides).expect_err("must be refused").to_string();
    let place = regex_free_directory(&error);
    error.lines().map(|line| line.replace(&place, "")).collect()
}

fn regex_free_directory(text: &str) -> String {
    let root = std::env::temp_dir().display().to_string();
    text.find(&root)
        .and_then(|start| text[start..].find("attune.yaml").map(|end| text[start..start + end].to_owned()))
        .unwrap_or_else(|| "\u{0}".to_owned())
}

/// The value and the origin of a key, as `--print-config` shows them.
pub(crate) fn shown(config: &Config, path: &str) -> (String, String) {
    let setting = config.settings().iter().find(|setting| setting.key.path == path).expect("a known key");
    let origin = match setting.origin.rsplit_once('/') {
        Some((start, name)) if start.starts_with("file:") => format!("file:{name}"),
        _ => setting.origin.clone(),
    };
    (setting.shown.clone().unwrap_or_else(|| "not set".to_owned()), origin)
}
