//! Packs that may change while somebody uses them.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::PackError;
use crate::library::Library;

/// The packs of some folders, read anew when something in the folders changed.
///
/// Whoever asked for the [library](Shelf::library) keeps the one that was current then. Looking for changes costs one
/// `stat` per declaration and reads nothing; it is the caller who says how often.
#[derive(Debug)]
pub struct Shelf {
    directories: Vec<PathBuf>,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    library: Arc<Library>,
    state: u64,
}

impl Default for Shelf {
    /// No packs at all, ever.
    fn default() -> Self {
        Self::fixed(Library::default())
    }
}

/// What changed on a [`Shelf`].
#[derive(Debug, Clone)]
pub struct Change {
    /// All packs as they are now.
    pub library: Arc<Library>,
    /// Names of the packs that are new or other than before.
    pub changed: Vec<String>,
    /// Names of the packs that are gone.
    pub gone: Vec<String>,
    /// Packs that can no longer be used as they lie there. Of those that could before, the last good declaration stays.
    pub broken: Vec<PackError>,
}

impl Shelf {
    /// The packs in `directories`, as [`Library::scan`] reads them.
    #[must_use]
    pub fn open<P: AsRef<Path>>(directories: &[P]) -> Self {
        let directories: Vec<PathBuf> = directories.iter().map(|path| path.as_ref().to_path_buf()).collect();
        // The state is taken first: what changes while the packs are read is seen as a change afterwards.
        let state = state_of(&directories);
        let library = Arc::new(Library::scan(&directories));
        Self { directories, current: RwLock::new(Current { library, state }) }
    }

    /// Packs that were read by somebody else, and never change.
    #[must_use]
    pub fn fixed(library: Library) -> Self {
        Self { directories: Vec::new(), current: RwLock::new(Current { library: Arc::new(library), state: 0 }) }
    }

    /// The packs as they were when somebody last looked.
    #[must_use]
    pub fn library(&self) -> Arc<Library> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).library)
    }

    /// Looks whether anything changed, and if so reads everything again.
    pub fn refresh(&self) -> Option<Change> {
        if self.directories.is_empty() {
            return None;
        }
        let state = state_of(&self.directories);
        let before = {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            if current.state == state {
                return None;
            }
            Arc::clone(&current.library)
        };
        let mut library = Library::scan(&self.directories);
        let broken = library.broken().to_vec();
        for pack in before.packs() {
            // Somebody may be in the middle of editing it.
            if library.pack(&pack.spec.pack_ref).is_none() && pack.directory.join("pack.yaml").is_file() {
                library.put(pack.clone());
            }
        }
        let changed = library.packs().filter(|pack| before.pack(&pack.spec.pack_ref) != Some(*pack));
        let changed = changed.map(|pack| pack.spec.pack_ref.clone()).collect();
        let gone = before.packs().filter(|pack| library.pack(&pack.spec.pack_ref).is_none());
        let gone = gone.map(|pack| pack.spec.pack_ref.clone()).collect();
        let library = Arc::new(library);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Current { library: Arc::clone(&library), state };
        Some(Change { library, changed, gone, broken })
    }
}

/// A number that differs when a pack was added, removed, switched to another version, or a declaration of one was written.
/// Scripts do not count: they are read when they are run.
fn state_of(directories: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for directory in directories {
        for pack in sorted(directory) {
            // The real path tells one installed version from another.
            fs::canonicalize(&pack).ok().hash(&mut hasher);
            let folders = ["actions", "runtimes"];
            let declarations = folders.iter().flat_map(|folder| sorted(&pack.join(folder)));
            for file in std::iter::once(pack.join("pack.yaml")).chain(declarations) {
                let Ok(metadata) = fs::metadata(&file) else { continue };
                file.hash(&mut hasher);
                (metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec()).hash(&mut hasher);
            }
        }
    }
    hasher.finish()
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, manifest: &str) {
        fs::create_dir_all(folder.join(name)).expect("a folder");
        fs::write(folder.join(name).join("pack.yaml"), manifest).expect("a file");
    }

    #[test]
    fn changes_are_seen_and_only_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "one", "ref: one\nversion: 1.0.0\n");
        write(folder.path(), "two", "ref: two\nversion: 1.0.0\n");
        let shelf = Shelf::open(&[folder.path()]);
        assert!(shelf.refresh().is_none());
        let held = shelf.library();

        write(folder.path(), "one", "ref: one\nversion: 2.0.0-longer\n");
        write(folder.path(), "three", "ref: three\nversion: 1.0.0\n");
        fs::remove_dir_all(folder.path().join("two")).expect("removed");
        let change = shelf.refresh().expect("a change");
        assert_eq!(change.changed, ["one", "three"]);
        assert_eq!(change.gone, ["two"]);
        assert!(shelf.refresh().is_none());
        assert_eq!(held.pack("one").expect("held").spec.version, "1.0.0", "who holds a library keeps it");
        assert_eq!(shelf.library().pack("one").expect("new").spec.version, "2.0.0-longer");
    }

    #[test]
    fn a_pack_that_is_broken_while_somebody_edits_it_stays_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "one", "ref: one\nversion: 1.0.0\n");
        let shelf = Shelf::open(&[folder.path()]);
        write(folder.path(), "one", "ref: one\nversion:");
        let change = shelf.refresh().expect("a change");
        assert_eq!((change.changed.len(), change.gone.len(), change.broken.len()), (0, 0, 1));
        assert_eq!(shelf.library().pack("one").expect("still there").spec.version, "1.0.0");
    }

    #[test]
    fn what_was_read_by_somebody_else_never_changes() {
        assert!(Shelf::fixed(Library::default()).refresh().is_none());
    }
}
