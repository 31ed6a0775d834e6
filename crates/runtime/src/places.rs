//! Directories that are described rather than named: `~/.pyenv/versions/*/bin`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use attune_types::Version;

/// How many names one `*` may stand for.
const MOST_NAMES: usize = 64;

/// The variables by which version managers and images say where they are. What they hold is believed only as a place to
/// look at: what is found there must be trusted like everything else.
const VARIABLES: &[&str] = &[
    "PYENV_ROOT",
    "RBENV_ROOT",
    "NVM_DIR",
    "SDKMAN_DIR",
    "ASDF_DATA_DIR",
    "CONDA_PREFIX",
    "JAVA_HOME",
    "GOROOT",
    "DOTNET_ROOT",
    "DENO_INSTALL",
    "BUN_INSTALL",
];

/// What `~` and `$NAME` stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Landmarks {
    /// What `~` stands for.
    pub home: Option<PathBuf>,
    /// What `$NAME` stands for.
    pub variables: Vec<(String, PathBuf)>,
}

impl Landmarks {
    /// Takes the home and the places of version managers from an environment, usually `std::env::vars_os()`. Values that
    /// are not absolute paths are passed over.
    pub fn of(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut landmarks = Self::default();
        for (name, value) in environment {
            let Some(name) = name.to_str() else { continue };
            let path = PathBuf::from(value);
            if !path.is_absolute() {
                continue;
            }
            if name == "HOME" {
                landmarks.home = Some(path);
            } else if VARIABLES.contains(&name) {
                landmarks.variables.push((name.to_owned(), path));
            }
        }
        landmarks
    }

    /// The folder that a pattern begins with and the parts that follow; `None` when it begins with nothing known.
    fn begin<'a>(&self, pattern: &'a str) -> Option<(PathBuf, &'a str)> {
        if let Some(rest) = pattern.strip_prefix('/') {
            return Some((PathBuf::from("/"), rest));
        }
        if let Some(rest) = pattern.strip_prefix("~/") {
            return Some((self.home.clone()?, rest));
        }
        let (name, rest) = pattern.strip_prefix('$')?.split_once('/')?;
        let (_, path) = self.variables.iter().find(|(known, _)| known == name)?;
        Some((path.clone(), rest))
    }

    /// The folders that `pattern` means here; of those that one `*` stands for, the highest version first.
    pub(crate) fn folders(&self, pattern: &str) -> Vec<PathBuf> {
        let Some((start, rest)) = self.begin(pattern) else { return Vec::new() };
        let mut folders = vec![start];
        for part in rest.split('/').filter(|part| !part.is_empty()) {
            folders = match part.split_once('*') {
                None => folders.into_iter().map(|folder| folder.join(part)).collect(),
                Some((before, after)) => {
                    let matches = |name: &str| {
                        name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
                    };
                    folders.iter().flat_map(|folder| below(folder, matches)).take(MOST_NAMES).collect()
                }
            };
        }
        folders.retain(|folder| folder.is_dir());
        folders
    }
}

/// The entries of `folder` whose names match, without hidden ones, highest version first.
fn below(folder: &Path, matches: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && matches(name))
        .collect();
    let version = |name: &str| -> Option<Version> {
        name.find(|character: char| character.is_ascii_digit()).and_then(|at| name[at..].parse().ok())
    };
    names.sort_by(|one, other| version(other).cmp(&version(one)).then_with(|| one.cmp(other)));
    names.truncate(MOST_NAMES);
    names.into_iter().map(|name| folder.join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_folders_that_are_there_highest_version_first() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["versions/3.9.1/bin", "versions/3.12.0/bin", "versions/.hidden/bin", "versions/none", "go1.9/bin"]
        {
            fs::create_dir_all(folder.path().join(name)).expect("made");
        }
        let landmarks = Landmarks::of([
            ("HOME".into(), folder.path().into()),
            ("PYENV_ROOT".into(), folder.path().into()),
            ("GOROOT".into(), "relative".into()),
            ("EVIL".into(), "/".into()),
        ]);
        let found = |pattern: &str| -> Vec<String> {
            let short = |path: PathBuf| path.strip_prefix(folder.path()).expect("inside").display().to_string();
            landmarks.folders(pattern).into_iter().map(short).collect()
        };
        assert_eq!(found("~/versions/*/bin"), ["versions/3.12.0/bin", "versions/3.9.1/bin"]);
        assert_eq!(found("$PYENV_ROOT/versions/*/bin").len(), 2);
        assert_eq!(found("~/go*/bin"), ["go1.9/bin"]);
        assert_eq!(found(&format!("{}/versions/none", folder.path().display())), ["versions/none"]);
        for pattern in ["~/nothing/*/bin", "$GOROOT/bin", "$EVIL/bin", "relative/bin", "~", ""] {
            assert!(found(pattern).is_empty(), "{pattern}");
        }
        assert!(Landmarks::default().folders("~/versions/*/bin").is_empty());
    }
}
