//! All packs of some folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use attune_types::{ActionRef, ActionSpec, RuntimeSpec};

use crate::error::PackError;
use crate::pack::Pack;

/// The packs that were found, by name. A broken pack is left out and told about; it never hides the others.
#[derive(Debug, Clone, Default)]
pub struct Library {
    packs: BTreeMap<String, Pack>,
    broken: Vec<PackError>,
    searched: Vec<PathBuf>,
}

impl Library {
    /// Reads every pack in `directories`: each is a folder of packs (`<directory>/<pack>/pack.yaml`). Where two hold a
    /// pack of the same name the earlier folder wins. A folder that does not exist holds none.
    #[must_use]
    pub fn scan<P: AsRef<Path>>(directories: &[P]) -> Self {
        let mut library = Self::default();
        for directory in directories {
            let directory = directory.as_ref();
            library.searched.push(directory.to_path_buf());
            let mut candidates: Vec<PathBuf> = fs::read_dir(directory)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| path.join("pack.yaml").is_file())
                .collect();
            candidates.sort();
            for candidate in candidates {
                match Pack::load(&candidate) {
                    Ok(pack) => {
                        library.packs.entry(pack.spec.pack_ref.clone()).or_insert(pack);
                    }
                    Err(error) => library.broken.push(error),
                }
            }
        }
        library
    }

    /// Adds a pack, in the place of one of the same name.
    pub fn put(&mut self, pack: Pack) {
        self.packs.insert(pack.spec.pack_ref.clone(), pack);
    }

    /// All packs by name.
    pub fn packs(&self) -> impl Iterator<Item = &Pack> {
        self.packs.values()
    }

    /// One pack.
    #[must_use]
    pub fn pack(&self, name: &str) -> Option<&Pack> {
        self.packs.get(name)
    }

    /// One action.
    #[must_use]
    pub fn action(&self, action: &ActionRef) -> Option<&ActionSpec> {
        self.packs.get(&action.pack)?.actions.iter().find(|candidate| candidate.action_ref == *action)
    }

    /// The folder of one pack, absolute.
    #[must_use]
    pub fn pack_dir(&self, name: &str) -> Option<&Path> {
        self.packs.get(name).map(|pack| pack.directory.as_path())
    }

    /// All runtimes that the packs declare.
    pub fn runtimes(&self) -> impl Iterator<Item = &RuntimeSpec> {
        self.packs.values().flat_map(|pack| &pack.runtimes)
    }

    /// Packs that could not be used, and why.
    #[must_use]
    pub fn broken(&self) -> &[PackError] {
        &self.broken
    }

    /// Where it looked.
    #[must_use]
    pub fn searched(&self) -> &[PathBuf] {
        &self.searched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_pack_never_hides_the_others_and_the_earlier_folder_wins() {
        let folder = tempfile::tempdir().expect("a folder");
        for (place, name, version) in [("one", "good", "1.0.0"), ("two", "good", "2.0.0"), ("two", "bad", "x")] {
            let pack = folder.path().join(place).join(name);
            fs::create_dir_all(&pack).expect("a folder");
            fs::write(pack.join("pack.yaml"), format!("ref: {name}\nversion: {version}\n")).expect("a file");
        }
        let library =
            Library::scan(&[folder.path().join("one"), folder.path().join("two"), folder.path().join("gone")]);
        assert_eq!(library.packs().map(|pack| pack.spec.version.as_str()).collect::<Vec<_>>(), ["1.0.0"]);
        assert_eq!(library.broken().len(), 1);
        assert_eq!(library.searched().len(), 3);
    }

    #[test]
    fn the_packs_that_come_with_attune_keep_every_rule() {
        let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs");
        let library = Library::scan(&[packs]);
        assert_eq!(library.broken(), &[]);
        assert!(library.action(&"examples.hello".parse().expect("a reference")).is_some());
        assert!(library.runtimes().any(|runtime| runtime.name == "python"));
    }
}
