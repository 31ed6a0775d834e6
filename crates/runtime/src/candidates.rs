//! Finds programs by name, without running any.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use attune_types::RuntimeSpec;

use crate::detect_options::{Depth, DetectOptions};
use crate::trust::{self, FileIdentity};

/// A program that may be an interpreter of a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The runtime's name, lower case.
    pub(crate) runtime: String,
    /// What it is started by.
    pub(crate) path: PathBuf,
    /// Behind all links.
    pub(crate) real_path: PathBuf,
    /// Whether it is one of a version manager's scripts, which start what is switched on.
    pub(crate) is_shim: bool,
}

/// How many interpreters of one runtime are asked for their versions.
const MOST_OF_A_RUNTIME: usize = 32;
/// How many complaints are kept.
const MOST_WARNINGS: usize = 50;

/// The folders of `PATH` in their order, each once, without those that are relative: what these mean depends on where
/// one stands.
fn folders_of(path: &OsStr) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    std::env::split_paths(path).filter(|folder| folder.is_absolute() && seen.insert(folder.clone())).collect()
}

/// Whether `name` is `binary`, or `binary` with a version behind it: `python3.12`, `ruby3.1`, `node20`.
pub(crate) fn is_named(name: &str, binary: &str) -> bool {
    name.strip_prefix(binary).is_some_and(|rest| {
        rest.is_empty()
            || (rest.chars().all(|character| character.is_ascii_digit() || character == '.')
                && rest.ends_with(|character: char| character.is_ascii_digit())
                && !rest.contains(".."))
    })
}

/// What may run each of `specs`: for a runtime in the order of its binaries and then of the folders, plain names before
/// versioned ones. A program that is there under several names is listed once, under the first. Also returns what was
/// found but is not used, in words.
pub(crate) fn find(options: &DetectOptions, specs: &[&RuntimeSpec]) -> (Vec<Candidate>, Vec<String>) {
    let mut search = Search::of(options, specs);
    for spec in specs {
        match spec.execution_config.interpreter.as_deref() {
            Some(place) if place.starts_with('/') => search.consider(spec, Path::new(place)),
            Some(name) => search.look_for(spec, &[name.to_owned()], options),
            None => search.look_for(spec, &spec.detection.binaries, options),
        };
    }
    (search.candidates, search.warnings)
}

/// Version managers (pyenv, rbenv, nodenv, asdf) put one small script per name into a folder called this. It starts
/// whatever version is switched on, and fails for every name with a version that is not.
const SHIMS: &str = "shims";

struct Search {
    path: Vec<PathBuf>,
    names: HashSet<String>,
    /// Folders that were listed, by what they really are (`/bin` and `/usr/bin` are often one), with the names in them
    /// that some runtime is interested in.
    listed: HashMap<FileIdentity, Vec<String>>,
    seen: HashMap<String, HashSet<FileIdentity>>,
    cut: HashSet<String>,
    candidates: Vec<Candidate>,
    warnings: Vec<String>,
}

impl Search {
    fn of(options: &DetectOptions, specs: &[&RuntimeSpec]) -> Self {
        let wanted = |spec: &&RuntimeSpec| {
            spec.execution_config.interpreter.iter().chain(&spec.detection.binaries).cloned().collect::<Vec<_>>()
        };
        Self {
            path: folders_of(&options.path),
            names: specs.iter().flat_map(wanted).collect(),
            listed: HashMap::new(),
            seen: HashMap::new(),
            cut: HashSet::new(),
            candidates: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Looks for the programs of a runtime; returns whether there is one.
    fn look_for(&mut self, spec: &RuntimeSpec, binaries: &[String], options: &DetectOptions) -> bool {
        let before = self.candidates.len();
        let described = |places: &[String]| -> Vec<PathBuf> {
            places.iter().flat_map(|place| options.landmarks.folders(place)).collect()
        };
        match options.depth {
            Depth::FirstUnproved => {
                for binary in binaries {
                    let path = self.path.clone();
                    if path.iter().any(|folder| self.consider(spec, &folder.join(binary))) {
                        return true;
                    }
                }
                let elsewhere = [described(&spec.detection.places), described(&options.places)].concat();
                binaries.iter().any(|binary| elsewhere.iter().any(|folder| self.consider(spec, &folder.join(binary))))
            }
            Depth::Everything => {
                let mut folders = self.path.clone();
                folders.extend(described(&spec.detection.places));
                folders.extend(described(&options.places));
                let listed: Vec<(PathBuf, Vec<String>)> = self.list(folders);
                for is_plain in [true, false] {
                    for binary in binaries {
                        for (folder, names) in &listed {
                            let fits = |name: &&String| (name.as_str() == binary) == is_plain && is_named(name, binary);
                            for name in names.iter().filter(fits) {
                                self.consider(spec, &folder.join(name));
                            }
                        }
                    }
                }
                self.candidates.len() > before
            }
        }
    }

    /// Each of `folders` once, with the names in it that a runtime is interested in, longest and highest first so that
    /// the result does not depend on how the file system orders them.
    fn list(&mut self, folders: Vec<PathBuf>) -> Vec<(PathBuf, Vec<String>)> {
        let mut seen = HashSet::new();
        let mut listed = Vec::new();
        for folder in folders {
            let Ok(metadata) = fs::metadata(&folder) else { continue };
            let identity = FileIdentity::of(&metadata);
            if !metadata.is_dir() || !seen.insert(identity) {
                continue;
            }
            let wanted = &self.names;
            let names = self.listed.entry(identity).or_insert_with(|| names_in(&folder, wanted));
            listed.push((folder, names.clone()));
        }
        listed
    }

    /// Takes a program up if it is one, may be trusted and is new. Returns whether it was taken up.
    fn consider(&mut self, spec: &RuntimeSpec, path: &Path) -> bool {
        let runtime = spec.name.to_lowercase();
        let real = match trust::real_program(path) {
            Ok(real) => real,
            Err(distrust) => {
                self.warn(distrust.words(path));
                return false;
            }
        };
        let seen = self.seen.entry(runtime.clone()).or_default();
        if seen.contains(&real.identity) {
            return false;
        }
        if seen.len() == MOST_OF_A_RUNTIME {
            if self.cut.insert(runtime.clone()) {
                self.warn(Some(format!(
                    "more than {MOST_OF_A_RUNTIME} programs may be {runtime}; the others are not looked at"
                )));
            }
            return false;
        }
        seen.insert(real.identity);
        let is_shim = path.parent().is_some_and(|folder| folder.ends_with(SHIMS));
        self.candidates.push(Candidate { runtime, path: path.to_owned(), real_path: real.path, is_shim });
        true
    }

    fn warn(&mut self, warning: Option<String>) {
        let Some(warning) = warning else { return };
        if !self.warnings.contains(&warning) && self.warnings.len() < MOST_WARNINGS {
            self.warnings.push(warning);
        }
    }
}

fn names_in(folder: &Path, binaries: &HashSet<String>) -> Vec<String> {
    let is_shims = folder.ends_with(SHIMS);
    let is_wanted = |name: &str| {
        let bare = name.trim_end_matches(|character: char| character.is_ascii_digit() || character == '.');
        binaries.contains(name)
            || (!is_shims && binaries.iter().any(|binary| binary.starts_with(bare) && is_named(name, binary)))
    };
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_wanted(name))
        .collect();
    names.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then_with(|| other.cmp(one)));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_version_belong_to_the_plain_name() {
        for (name, binary, expected) in [
            ("python3", "python3", true),
            ("python3.12", "python3", true),
            ("python3.12", "python", true),
            ("python3-config", "python3", false),
            ("python3.11-gdb.py", "python3", false),
            ("python3.", "python3", false),
            ("python3..1", "python3", false),
            ("node20", "node", true),
            ("nodejs", "node", false),
            ("shred", "sh", false),
        ] {
            assert_eq!(is_named(name, binary), expected, "{name} {binary}");
        }
    }

    #[test]
    fn relative_folders_are_not_searched() {
        let found = folders_of(OsStr::new("relative:.::/usr/bin:/usr/bin:/opt"));
        assert_eq!(found, [PathBuf::from("/usr/bin"), PathBuf::from("/opt")]);
    }
}
