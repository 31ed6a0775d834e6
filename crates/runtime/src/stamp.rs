//! Whether it is worth looking again.

use std::collections::BTreeSet;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::detect_options::DetectOptions;

/// A number that differs when a program came or went in a folder that [`detect`](crate::detect) looks at with these
/// options. Costs a `stat` per folder and runs nothing.
///
/// A file that is written over in place is not noticed: package managers put a new file in the place of the old one.
#[must_use]
pub fn stamp(options: &DetectOptions) -> u64 {
    let specs = options.selection.admit(&options.specs);
    let mut folders: BTreeSet<PathBuf> =
        std::env::split_paths(&options.path).filter(|folder| folder.is_absolute()).collect();
    for spec in specs {
        let interpreter = spec.execution_config.interpreter.as_deref().map(Path::new);
        folders.extend(interpreter.filter(|path| path.is_absolute()).and_then(Path::parent).map(Path::to_path_buf));
        folders.extend(spec.detection.places.iter().flat_map(|place| options.landmarks.folders(place)));
    }
    folders.extend(options.places.iter().flat_map(|place| options.landmarks.folders(place)));
    let mut hasher = DefaultHasher::new();
    for folder in folders {
        let Ok(found) = fs::metadata(&folder) else { continue };
        (folder, found.dev(), found.ino(), found.mtime(), found.mtime_nsec()).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::builtin_specs;

    #[test]
    fn it_differs_when_a_program_comes_or_goes_and_not_otherwise() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = DetectOptions::new(builtin_specs(), folder.path()).only_in_path();
        let before = stamp(&options);
        assert_eq!(stamp(&options), before);
        fs::write(folder.path().join("ruby"), "").expect("written");
        let with = stamp(&options);
        assert_ne!(with, before);
        assert_eq!(stamp(&options), with);
        fs::remove_file(folder.path().join("ruby")).expect("removed");
        assert_ne!(stamp(&options), with);
    }
}
