//! Finds programs by name, without running any.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use attune_types::RuntimeSpec;

use crate::detect_options::{Depth, DetectOptions};
use crate::trust::{self, Distrust, FileIdentity};

/// A program that may be an interpreter of a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) runtime: String,
    pub(crate) path: PathBuf,
}

/// One searched folder and the names in it that some runtime is interested in.
struct Folder {
    path: PathBuf,
    names: Vec<String>,
}

/// The folders of `PATH` in their order, then the known places, each once.
fn folders(path: &OsStr, places: &[PathBuf]) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    std::env::split_paths(path)
        .chain(places.iter().cloned())
        .filter(|folder| folder.is_absolute() && seen.insert(folder.clone()))
        .collect()
}

/// Whether `name` is `binary`, or `binary` with a version behind it: `python3.12`, `ruby3.1`, `node20`.
fn is_named(name: &str, binary: &str) -> bool {
    name.strip_prefix(binary).is_some_and(|rest| {
        rest.is_empty()
            || (rest.chars().all(|character| character.is_ascii_digit() || character == '.')
                && rest.ends_with(|character: char| character.is_ascii_digit())
                && !rest.contains(".."))
    })
}

/// What may run each of `specs`: for a runtime in the order of its binaries and then of the folders, plain names before
/// versioned ones. A program that is there under several names is listed once, under the first. Also returns what was
/// found but is not trusted, in words.
pub(crate) fn find(options: &DetectOptions, specs: &[&RuntimeSpec]) -> (Vec<Candidate>, Vec<String>) {
    let folders = folders(&options.path, &options.places);
    let mut search = Search { candidates: Vec::new(), warnings: Vec::new() };
    match options.depth {
        Depth::FirstUnproved => {
            for spec in specs {
                let mut paths = spec
                    .detection
                    .binaries
                    .iter()
                    .flat_map(|binary| folders.iter().map(move |folder| folder.join(binary)));
                let mut seen = HashSet::new();
                let _first = paths.find(|path| search.consider(spec, path, &mut seen));
            }
        }
        Depth::Everything => {
            let listed: Vec<Folder> = folders.into_iter().map(|folder| list(folder, specs)).collect();
            for spec in specs {
                let mut seen = HashSet::new();
                for is_plain in [true, false] {
                    for binary in &spec.detection.binaries {
                        for folder in &listed {
                            let names = folder
                                .names
                                .iter()
                                .filter(|name| (name.as_str() == binary) == is_plain && is_named(name, binary));
                            for name in names {
                                search.consider(spec, &folder.path.join(name), &mut seen);
                            }
                        }
                    }
                }
            }
        }
    }
    search.warnings.dedup();
    (search.candidates, search.warnings)
}

/// Version managers (pyenv, rbenv, nodenv, asdf) put one small script per name into a folder called this. It starts
/// whatever version is switched on, and fails for every name with a version that is not.
const SHIMS: &str = "shims";

/// The names in a folder that a runtime is interested in, longest and highest first so that the result does not depend
/// on how the file system orders them.
fn list(path: PathBuf, specs: &[&RuntimeSpec]) -> Folder {
    let is_wanted = |name: &str, binary: &str| name == binary || (!path.ends_with(SHIMS) && is_named(name, binary));
    let mut names: Vec<String> = fs::read_dir(&path)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| specs.iter().flat_map(|spec| &spec.detection.binaries).any(|binary| is_wanted(name, binary)))
        .collect();
    names.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then_with(|| other.cmp(one)));
    Folder { path, names }
}

struct Search {
    candidates: Vec<Candidate>,
    warnings: Vec<String>,
}

impl Search {
    /// Takes a program up if it is one, may be trusted and is new. Returns whether it was taken up.
    fn consider(&mut self, spec: &RuntimeSpec, path: &Path, seen: &mut HashSet<FileIdentity>) -> bool {
        match trust::real_program(path) {
            Ok(real) => {
                let is_new = seen.insert(real);
                if is_new {
                    self.candidates.push(Candidate { runtime: spec.name.to_lowercase(), path: path.to_owned() });
                }
                is_new
            }
            Err(Distrust::Writable(place)) => {
                self.warnings.push(format!(
                    "{} is not used: everybody may write to {}",
                    path.display(),
                    place.display()
                ));
                false
            }
            Err(Distrust::NotAProgram) => false,
        }
    }
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
        let found = folders(OsStr::new("relative:.::/usr/bin:/usr/bin"), &["/usr/bin".into(), "/opt".into()]);
        assert_eq!(found, [PathBuf::from("/usr/bin"), PathBuf::from("/opt")]);
    }
}
